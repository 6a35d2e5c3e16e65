"""A service whose traffic depends on PostgreSQL and redis, at the ports that the environment says."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import redis.asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import instrument
from observekit.checks import postgres
from observekit.checks import redis as pings

POOLS: dict[str, Any] = {}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    POOLS["postgres"] = await asyncpg.create_pool(
        host="127.0.0.1", port=int(os.environ["POSTGRES"]), user="postgres", database="postgres", min_size=1
    )
    POOLS["redis"] = redis.asyncio.Redis(host="127.0.0.1", port=int(os.environ["REDIS"]))
    yield
    POOLS["postgres"].terminate()
    await POOLS["redis"].aclose()


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


app = Starlette(routes=[Route("/", page)], lifespan=lifespan)
kit = instrument(app, ops_port=0, ops_host="127.0.0.1", logs="off", traces=False)
kit.readiness("postgres", criticality="required")(postgres(lambda: POOLS["postgres"]))
kit.readiness("redis", criticality="required")(pings(lambda: POOLS["redis"]))
sys.stdout.write(f"ops {kit.ops_port}\n")
sys.stdout.flush()
