"""A service with every type of metric that a user can make, before and after it is instrumented."""

import asyncio
import os
from collections.abc import Iterator

from opentelemetry import metrics
from prometheus_client import REGISTRY, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.core import GaugeMetricFamily, Metric
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import instrument

EARLY = Counter("early", "Made before set-up.", ["kind"])
EARLY.labels("import").inc()


class Custom:
    """Tells what who answers knows, however many workers there are."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("custom_rows", "Rows in the database.", value=7)


async def pid(_: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def count(_: Request) -> PlainTextResponse:
    EARLY.labels("request").inc()
    ORDERS.inc(exemplar={"trace_id": "abc"})
    SECONDS.labels("tea").observe(0.3)
    SIZE.observe(5)
    LEVEL.set(os.getpid())
    RUNNING.inc()
    OTEL.add(1, {"kind": "request"})
    return PlainTextResponse(str(os.getpid()))


async def hold(_: Request) -> PlainTextResponse:
    await asyncio.sleep(3600)
    return PlainTextResponse("late")


app = Starlette(routes=[Route("/pid", pid), Route("/count", count), Route("/hold", hold)])
kit = instrument(app, service_name="shop")

ORDERS = Counter("orders", "Made after set-up.")
SECONDS = Histogram("baking_seconds", "How long.", ["what"])
SIZE = Summary("size_bytes", "How large.")
LEVEL = Gauge("level", "In mode all.")
RUNNING = Gauge("running", "In mode livesum.", multiprocess_mode="livesum")
BUILD = Info("build", "What it is.")
BUILD.info({"commit": "c0ffee"})
STATE = Enum("shop_state", "How it is.", states=["open", "closed"])
REGISTRY.register(Custom())
OTEL = metrics.get_meter("shop").create_counter("otel.orders")
