"""Alembic: whether the database is at the revision that this code was written for."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.outstanding import Outstanding
from observekit.integrations.checks.ready import asking, needed
from observekit.worker import Worker

_NAME: Final = "migrations"

Compare = Callable[[Any], None]


def migrations(engine: object, config: str | os.PathLike[str] = "alembic.ini") -> CheckFunction:
    """Return a check that the database is at the newest revision; best with ``kit.startup``.

    Args:
        engine: An ``Engine`` or ``AsyncEngine`` of SQLAlchemy, or a function that returns it.
        config: Alembic's configuration file; the revisions that it leads to are read once.

    Raises:
        ConfigError: If *engine* is neither.
        MissingExtraError: If Alembic is not installed.
    """
    context = needed("alembic.runtime.migration", "alembic", _NAME).MigrationContext
    code = _Code(config)

    def compare(connection: Any) -> None:
        current = frozenset(context.configure(connection).get_current_heads())
        if current != code.heads:
            raise ValueError(f"the database is at {_words(current)}, and the code at {_words(code.heads)}")

    hows = {
        "sqlalchemy.AsyncEngine": partial(_asking_async, code, compare),
        "sqlalchemy.Engine": partial(_asking_sync, code, compare),
    }
    return asking(engine, hows, _NAME, asks="a database")


class _Code:
    """The newest revisions that the code has, once they have been read.

    Alembic imports each revision there is: no event loop should stand still for that.
    """

    def __init__(self, config: str | os.PathLike[str]) -> None:
        self._config = config
        self._outstanding = Outstanding()
        self._read = False
        self.heads: frozenset[str] = frozenset()

    def read(self) -> None:
        if not self._read:
            self.heads = _heads(self._config)
            self._read = True

    async def read_beside(self) -> None:
        """Read on a thread; that may take longer than a check has, and the next run waits for the same."""
        if not self._read:
            await self._outstanding.answer(self._on_thread)

    async def _on_thread(self) -> None:
        reader = Worker("check-migrations", self.read)
        try:
            await reader.call()
        finally:
            reader.close()


def _asking_sync(code: _Code, compare: Compare, engine: Any) -> CheckFunction:
    def ask() -> None:
        code.read()
        with engine.connect() as connection:
            compare(connection)

    return ask


def _asking_async(code: _Code, compare: Compare, engine: Any) -> CheckFunction:
    async def ask() -> None:
        await code.read_beside()
        async with engine.connect() as connection:
            await connection.run_sync(compare)

    return ask


def _heads(config: str | os.PathLike[str]) -> frozenset[str]:
    settings = needed("alembic.config", "alembic", _NAME).Config(os.fspath(config))
    directory = needed("alembic.script", "alembic", _NAME).ScriptDirectory.from_config(settings)
    return frozenset(directory.get_heads())


def _words(revisions: frozenset[str]) -> str:
    return ", ".join(sorted(revisions)) or "no revision"
