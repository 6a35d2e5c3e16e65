"""PostgreSQL and redis, by each driver: held still, killed, cut off and slow, and back again."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg_pool
import pytest
import redis as redis_py
import redis.asyncio as redis_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from observekit import checks
from tests.real_servers.programs import LOOPBACK, Server

if TYPE_CHECKING:
    from tests.checks.conftest import Service
    from tests.real_servers.proxy import FaultProxy

pytestmark = pytest.mark.once

Open = Callable[[int], AbstractAsyncContextManager[Any]]
# What ends the wait of a driver that is not asynchronous, as its documentation advises.
_LIMITS = "connect_timeout=2 tcp_user_timeout=1000"


@asynccontextmanager
async def by_asyncpg(port: int) -> AsyncIterator[Any]:
    pool = await asyncpg.create_pool(
        host=LOOPBACK, port=port, user="postgres", database="postgres", min_size=1, max_size=2
    )
    yield checks.postgres(pool)
    pool.terminate()


@asynccontextmanager
async def by_psycopg(port: int) -> AsyncIterator[Any]:
    pool = psycopg_pool.AsyncConnectionPool(
        f"host={LOOPBACK} port={port} user=postgres dbname=postgres {_LIMITS}",
        min_size=1,
        max_size=2,
        open=False,
    )
    await pool.open()
    yield checks.postgres(pool)
    await pool.close(timeout=5)


@asynccontextmanager
async def by_psycopg_on_a_thread(port: int) -> AsyncIterator[Any]:
    with psycopg_pool.ConnectionPool(
        f"host={LOOPBACK} port={port} user=postgres dbname=postgres {_LIMITS}", min_size=1, max_size=2
    ) as pool:
        yield checks.postgres(pool)


@asynccontextmanager
async def by_sqlalchemy(port: int) -> AsyncIterator[Any]:
    engine = create_async_engine(f"postgresql+asyncpg://postgres@{LOOPBACK}:{port}/postgres")
    yield checks.sqlalchemy(engine)
    await engine.dispose()


@asynccontextmanager
async def by_sqlalchemy_on_a_thread(port: int) -> AsyncIterator[Any]:
    url = f"postgresql+psycopg://postgres@{LOOPBACK}:{port}/postgres?connect_timeout=2&tcp_user_timeout=1000"
    engine = sa.create_engine(url)
    yield checks.postgres(engine)
    engine.dispose()


@asynccontextmanager
async def by_redis(port: int) -> AsyncIterator[Any]:
    client = redis_asyncio.Redis(host=LOOPBACK, port=port)
    yield checks.redis(client)
    await client.aclose()


@asynccontextmanager
async def by_redis_on_a_thread(port: int) -> AsyncIterator[Any]:
    client = redis_py.Redis(host=LOOPBACK, port=port, socket_timeout=1, socket_connect_timeout=1)
    yield checks.redis(client)
    client.close()


@asynccontextmanager
async def by_a_function(port: int) -> AsyncIterator[Any]:
    """Give the check what is made only later, as in a lifespan."""
    made: list[Any] = []
    check = checks.redis(lambda: made[0] if made else None)
    made.append(redis_asyncio.Redis(host=LOOPBACK, port=port))
    yield check
    await made[0].aclose()


DRIVERS: dict[str, tuple[str, Open]] = {
    "asyncpg": ("postgres_server", by_asyncpg),
    "psycopg": ("postgres_server", by_psycopg),
    "psycopg, not async": ("postgres_server", by_psycopg_on_a_thread),
    "sqlalchemy": ("postgres_server", by_sqlalchemy),
    "sqlalchemy, not async": ("postgres_server", by_sqlalchemy_on_a_thread),
    "redis": ("redis_server", by_redis),
    "redis, not async": ("redis_server", by_redis_on_a_thread),
    "redis by a function": ("redis_server", by_a_function),
}


@pytest.mark.parametrize(("fixture", "opened"), DRIVERS.values(), ids=DRIVERS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_server_that_is_held_still_or_killed_is_found_and_found_back(
    service: "Service", fixture: str, opened: Open, request: pytest.FixtureRequest, threads: Callable[[], int]
) -> None:
    server: Server = request.getfixturevalue(fixture)

    async with opened(server.port) as check:
        service.add(check)
        told = [(await service.until("ok")).result]
        with server.paused():
            told.append((await service.said()).result)
            told.append((await service.said()).result)
        told.append((await service.until("ok")).result)
        with server.killed():
            gone = await service.until("failed", "timeout")  # redis-py tries again for seconds.
        told.append((await service.until("ok")).result)

    assert told == ["ok", "timeout", "timeout", "ok", "ok"]
    assert gone.result in {"failed", "timeout"}
    assert threads() <= 1


WAYS: dict[str, tuple[str, Open]] = {name: DRIVERS[name] for name in ("asyncpg", "sqlalchemy", "redis")}


@pytest.mark.parametrize(("fixture", "opened"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_way_that_is_dead_slow_or_closed_is_found_and_found_back(
    service: "Service", fixture: str, opened: Open, request: pytest.FixtureRequest
) -> None:
    proxy: FaultProxy = request.getfixturevalue("faulty_" + fixture.removesuffix("_server"))

    async with opened(proxy.port) as check:
        service.add(check)
        told = [(await service.until("ok")).result]
        proxy.mode = "dead"
        told.append((await service.said()).result)
        proxy.mode = "pass"
        told.append((await service.until("ok")).result)
        proxy.mode = "slow"  # Both ways take 0.3 s, which is more than the check has.
        told.append((await service.said()).result)
        proxy.mode = "closed"
        await service.until("failed", "timeout")
        proxy.mode = "pass"
        told.append((await service.until("ok")).result)

    assert told == ["ok", "timeout", "ok", "timeout", "ok"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_what_all_instances_share_takes_none_out_of_traffic(
    service: "Service", faulty_redis: "FaultProxy"
) -> None:
    async with by_redis(faulty_redis.port) as check:
        service.kit.readiness("it", timeout_seconds=0.5)(check)
        faulty_redis.mode = "closed"
        said = await service.said()
        ready = await service.client.ask("/readyz")
        page = (await service.client.ask("/metrics")).text

    assert said.result in {"failed", "timeout"}
    assert (ready.status, ready.text) == (200, "ok\n")
    assert 'observekit_health_check_status{check="it",criticality="degraded",probe="readiness"} 0.5' in page


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_pool_that_is_exhausted_shows_and_a_check_leaves_it_as_it_was(
    service: "Service", postgres_server: Server
) -> None:
    pool = await asyncpg.create_pool(
        host=LOOPBACK, port=postgres_server.port, user="postgres", database="postgres", min_size=1, max_size=1
    )
    service.add(checks.postgres(pool))

    async with pool.acquire():
        exhausted = (await service.said()).result
    free = [(await service.until("ok")).result for _ in range(20)]
    idle = pool.get_idle_size()
    pool.terminate()

    assert (exhausted, set(free), idle) == ("timeout", {"ok"}, 1)
