"""psycopg 3: a question through the application's pool, asynchronous or not."""

from collections.abc import Mapping
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import How


def _asking(pool: Any) -> CheckFunction:
    def ask() -> None:
        with pool.connection() as connection:
            connection.execute("SELECT 1")

    return ask


def _asking_async(pool: Any) -> CheckFunction:
    async def ask() -> None:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")

    return ask


HOWS: Final[Mapping[str, How]] = {
    "psycopg_pool.AsyncConnectionPool": _asking_async,
    "psycopg_pool.ConnectionPool": _asking,
}
