"""SQLAlchemy: a question through an engine's pool, of any database that it speaks to."""

from collections.abc import Mapping
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import How, asking

_QUESTION: Final = "SELECT 1"


def _asking(engine: Any) -> CheckFunction:
    def ask() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(_QUESTION)

    return ask


def _asking_async(engine: Any) -> CheckFunction:
    async def ask() -> None:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(_QUESTION)

    return ask


HOWS: Final[Mapping[str, How]] = {"sqlalchemy.AsyncEngine": _asking_async, "sqlalchemy.Engine": _asking}


def sqlalchemy(engine: object) -> CheckFunction:
    """Return a check that asks a database through the pool of *engine*.

    Args:
        engine: An ``Engine`` or ``AsyncEngine``, or a function that returns it.

    Raises:
        ConfigError: If it is neither.
    """
    return asking(engine, HOWS, "sqlalchemy", asks="a database")
