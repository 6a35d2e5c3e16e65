"""redis, and valkey: a ping through the application's client."""

from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import asking


def _asking(client: Any) -> CheckFunction:
    # Its asynchronous classes are called as the others are.
    if ".asyncio" in type(client).__module__:

        async def ask_async() -> object:
            return await client.ping()

        return ask_async

    def ask() -> object:
        return client.ping()

    return ask


_HOWS: Final = {
    f"{package}.{kind}": _asking
    for package, kinds in (("redis", ("Redis", "RedisCluster")), ("valkey", ("Valkey", "ValkeyCluster")))
    for kind in kinds
}


def redis(client: object) -> CheckFunction:
    """Return a check that pings redis.

    Args:
        client: A client of redis-py or valkey-py, asynchronous or not, or a function that returns it. Give
            one that is not asynchronous a ``socket_timeout``: without, nothing ends its wait for a server
            that is gone.

    Raises:
        ConfigError: If it is none.
    """
    return asking(client, _HOWS, "redis", asks="redis")
