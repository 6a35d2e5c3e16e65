"""Liveness looks at this process alone: a check that asks something else is refused when it is registered."""

import asyncio
import functools
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
import redis.asyncio

from observekit.errors import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.health.conftest import Bench

cache = redis.asyncio.Redis()
alive = True


async def asks_a_client() -> None:
    await cache.ping()


async def asks_with_a_module() -> None:
    async with httpx.AsyncClient() as client:
        await client.get("http://127.0.0.1/")


def asks_with_a_submodule() -> None:
    urllib.request.urlopen("http://127.0.0.1/")


def looks_at_a_url() -> object:
    return urllib.parse.urlsplit("http://127.0.0.1/").path


def with_a_local_client() -> "Callable[[], object]":
    client = redis.asyncio.Redis()

    async def check() -> None:
        await client.ping()

    return check


class Holds:
    def __init__(self) -> None:
        self.client = redis.asyncio.Redis()

    async def __call__(self) -> None:
        await self.client.ping()


class ReadyMade:
    asks = "a database"

    async def __call__(self) -> None:
        await asyncio.sleep(0)


DEPENDENT: dict[str, tuple[Any, str]] = {
    "a method of a client": (cache.ping, "redis by an object, 'Redis'"),
    "a function that uses one": (asks_a_client, "redis by an object, 'Redis'"),
    "a closure that holds one": (with_a_local_client(), "redis by an object, 'Redis'"),
    "a function that uses the module": (asks_with_a_module, "httpx itself"),
    "a function that uses a module within one": (asks_with_a_submodule, "urllib.request itself"),
    "a partial": (functools.partial(cache.execute_command, "PING"), "redis by an object, 'Redis'"),
    "a function of a client's": (functools.partial(asyncpg.connect, "x"), "asyncpg"),
    "an object that holds one": (Holds(), "redis by an object, 'Redis'"),
    "a class of such objects": (Holds, "redis by an object, 'Redis'"),
    "a ready-made check": (ReadyMade(), "a database"),
}


@pytest.mark.parametrize(("function", "what"), DEPENDENT.values(), ids=DEPENDENT)
def test_a_dependency_cannot_decide_on_liveness(bench: "Bench", function: Any, what: str) -> None:
    with pytest.raises(RegistrationError) as told:
        bench.add(function, "alive", probe="liveness")

    assert str(told.value).startswith(f"check 'alive' cannot decide on liveness: it asks {what}")
    assert str(told.value).endswith(
        ". What is down elsewhere is not mended by a restart here, and all instances would be restarted at "
        "once. Register it for readiness."
    )


@pytest.mark.parametrize("probe", ["readiness", "startup"])
def test_the_same_check_is_welcome_elsewhere(bench: "Bench", probe: str) -> None:
    bench.add(asks_a_client, probe=probe)

    assert bench.engine.names("readiness", "startup") == ["check"]


def looks_at_this_process() -> bool:
    return alive


class Raises:
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("_") else RuntimeError(name)

    def __call__(self) -> bool:
        return True


@pytest.mark.parametrize(
    "function",
    [looks_at_this_process, looks_at_a_url, functools.partial(bool, 1), Raises(), object, print],
    ids=["function", "a module beside a client", "partial", "object that raises", "class", "builtin"],
)
def test_what_looks_at_this_process_is_taken(bench: "Bench", function: Any) -> None:
    bench.add(function, probe="liveness")

    assert bench.engine.names("liveness") == ["check"]
