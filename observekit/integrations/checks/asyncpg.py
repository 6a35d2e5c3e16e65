"""asyncpg: a question through the application's pool."""

from collections.abc import Mapping
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import How


def _asking(pool: Any) -> CheckFunction:
    async def ask() -> None:
        connection = await pool.acquire()
        try:
            await connection.fetchval("SELECT 1")
        except BaseException:
            # Given back as it is, it would be waited for, for ever where nobody answers any more.
            connection.terminate()
            raise
        finally:
            await pool.release(connection)

    return ask


HOWS: Final[Mapping[str, How]] = {"asyncpg.Pool": _asking}
