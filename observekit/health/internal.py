"""Whether a check looks at this process alone, as liveness has to, or asks something else."""

import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from observekit.health.check import ASKS

# Packages whose objects speak to another process.
_CLIENTS: Final = frozenset(
    {
        *("aio_pika", "aiobotocore", "aiohttp", "aiokafka", "aiomcache", "aiomysql", "aiosmtplib", "asyncmy"),
        *(
            "asyncpg",
            "boto3",
            "botocore",
            "cassandra",
            "clickhouse_connect",
            "confluent_kafka",
            "elasticsearch",
        ),
        *("grpc", "httpx", "kafka", "kombu", "motor", "mysql", "nats", "opensearchpy", "pika", "psycopg"),
        *("psycopg2", "psycopg_pool", "pymemcache", "pymongo", "pymysql", "redis", "requests", "smtplib"),
        *("sqlalchemy", "tortoise", "urllib3", "valkey"),
    }
)
_DEPTH: Final = 3


def dependency_of(function: object) -> str | None:
    """Return in words what *function* asks elsewhere, as far as can be seen without calling it.

    What a function makes when it is called, or finds by a way of its own, is not seen.
    """
    with suppress(Exception):  # Whatever the objects of a program do when they are looked at.
        return next(_found(function, _DEPTH), None)
    return None


def _found(value: Any, depth: int) -> Iterator[str]:
    asks = getattr(value, ASKS, None)
    if isinstance(asks, str) and asks:
        yield asks
    package = (value.__name__ if inspect.ismodule(value) else type(value).__module__).partition(".")[0]
    if package in _CLIENTS:
        what = "itself" if inspect.ismodule(value) else f"by an object, {type(value).__qualname__!r}"
        yield f"{package} {what}"
    if depth == 0:
        return
    for inner in _parts(value):
        yield from _found(inner, depth - 1)


def _parts(value: Any) -> Iterator[Any]:
    """Yield what a function refers to: its object, its arguments, and the names it uses of its module."""
    if isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif inspect.ismethod(value):
        yield value.__self__
        yield value.__func__
    elif inspect.isfunction(value):
        used = inspect.getclosurevars(value)
        yield from (*used.nonlocals.values(), *used.globals.values())
    elif not inspect.ismodule(value) and inspect.isfunction(getattr(type(value), "__call__", None)):  # noqa: B004 -- one of Python
        yield from (type(value).__call__, *getattr(value, "__dict__", {}).values())
