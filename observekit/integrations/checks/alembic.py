"""Alembic: whether the database is at the revision that this code was written for."""

import os
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import asking, needed

_NAME: Final = "migrations"


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
    expected: list[frozenset[str]] = []

    def compare(connection: Any) -> None:
        if not expected:
            expected.append(_heads(config))
        current = frozenset(context.configure(connection).get_current_heads())
        if current != expected[0]:
            raise ValueError(f"the database is at {_words(current)}, and the code at {_words(expected[0])}")

    def asking_sync(engine: Any) -> CheckFunction:
        def ask() -> None:
            with engine.connect() as connection:
                compare(connection)

        return ask

    def asking_async(engine: Any) -> CheckFunction:
        async def ask() -> None:
            async with engine.connect() as connection:
                await connection.run_sync(compare)

        return ask

    hows = {"sqlalchemy.AsyncEngine": asking_async, "sqlalchemy.Engine": asking_sync}
    return asking(engine, hows, _NAME, asks="a database")


def _heads(config: str | os.PathLike[str]) -> frozenset[str]:
    settings = needed("alembic.config", "alembic", _NAME).Config(os.fspath(config))
    directory = needed("alembic.script", "alembic", _NAME).ScriptDirectory.from_config(settings)
    return frozenset(directory.get_heads())


def _words(revisions: frozenset[str]) -> str:
    return ", ".join(sorted(revisions)) or "no revision"
