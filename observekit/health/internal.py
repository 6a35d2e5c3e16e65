"""Whether a check looks at this process alone, as liveness has to, or asks something else."""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from observekit.health.check import ASKS

# Packages whose objects speak to another process.
_CLIENTS: Final = frozenset(
    {
        *("aio_pika", "aioamqp", "aioboto3", "aiobotocore", "aiohttp", "aiokafka", "aiomcache"),
        *("aiomqtt", "aiomysql", "aioodbc", "aiopg", "aioredis", "aiosmtplib", "amqp"),
        *("asyncmy", "asyncpg", "asyncssh", "beanie", "boto3", "botocore", "cassandra"),
        *("celery", "clickhouse_connect", "clickhouse_driver", "confluent_kafka", "consul"),
        *("couchbase", "cx_Oracle", "databases", "docker", "elasticsearch", "etcd3", "ftplib"),
        *("gql", "grpc", "httpx", "hvac", "imaplib", "influxdb_client", "kafka", "kazoo"),
        *("kombu", "kubernetes", "kubernetes_asyncio", "ldap", "ldap3", "minio", "mongoengine"),
        *("motor", "mysql", "MySQLdb", "nats", "neo4j", "opensearchpy", "oracledb", "paho"),
        *("paramiko", "pg8000", "pika", "poplib", "psycopg", "psycopg2", "psycopg_pool"),
        *("pulsar", "pycurl", "pymemcache", "pymilvus", "pymongo", "pymssql", "pymysql"),
        *("pyodbc", "qdrant_client", "redis", "requests", "smtplib", "snowflake", "sqlalchemy"),
        *("stomp", "tortoise", "trino", "urllib3", "valkey", "weaviate", "websockets", "zeep"),
    }
)
# Modules of packages that are not only about that.
_MODULES: Final = frozenset({"http.client", "urllib.request", "xmlrpc.client"})
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
    module = value.__name__ if inspect.ismodule(value) else type(value).__module__
    package = module if module in _MODULES else module.partition(".")[0]
    if package in _CLIENTS or package in _MODULES:
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
        yield from _submodules(used.globals.values(), value.__code__.co_names)
    elif not inspect.ismodule(value) and inspect.isfunction(getattr(type(value), "__call__", None)):  # noqa: B004 -- one of Python
        yield from (type(value).__call__, *getattr(value, "__dict__", {}).values())


def _submodules(values: Iterable[object], names: Iterable[str]) -> Iterator[object]:
    """Yield the modules of those *names* within modules among *values*, as ``request`` of ``urllib``."""
    for module in values:
        if inspect.ismodule(module):
            found = (vars(module).get(name) for name in names)
            yield from (one for one in found if inspect.ismodule(one))
