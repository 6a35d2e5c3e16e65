"""PostgreSQL, through the pool of whatever driver the application has."""

from observekit.health.check import CheckFunction
from observekit.integrations.checks import asyncpg, psycopg, sqlalchemy
from observekit.integrations.checks.ready import asking


def postgres(pool: object) -> CheckFunction:
    """Return a check that asks PostgreSQL through *pool*, so that a pool that is exhausted shows too.

    Args:
        pool: A pool of asyncpg or psycopg, or an engine of SQLAlchemy, or a function that returns it.

    Raises:
        ConfigError: If it is none of these.
    """
    return asking(pool, {**asyncpg.HOWS, **psycopg.HOWS, **sqlalchemy.HOWS}, "postgres", asks="PostgreSQL")
