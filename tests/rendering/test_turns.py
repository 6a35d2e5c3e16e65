"""A scrape holds the loop in short turns only, is made once for many, and waits for no collector for ever."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from threading import Event
from time import monotonic
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily

from observekit.metrics import collecting, page
from observekit.metrics.exposition import Exposition
from observekit.metrics.page import compressed, in_turns

pytestmark = pytest.mark.anyio

ANY = "text/plain"


def shown(registry: CollectorRegistry, failed: list[tuple[str, str]] | None = None) -> Exposition:
    told: list[tuple[str, str]] = [] if failed is None else failed
    return Exposition(registry, lambda name, error: told.append((name, str(error))), lambda _: None)


async def letting_go(made: Exposition, slow: "Slow") -> None:
    """End the thread of *slow*, and see that it ended."""
    slow.go.set()
    made.close()
    for thread in threading.enumerate():
        if thread.name == "observekit-collect-Slow":
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


def large(series: int = 600) -> CollectorRegistry:
    registry = CollectorRegistry()
    histogram = Histogram("wait", "h", ["route"], registry=registry)
    for number in range(series):
        histogram.labels(str(number)).observe(number)
    return registry


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no collector."""
    monkeypatch.setattr(collecting, "COLLECT_SECONDS", 0.05)


class Slow:
    """A collector that returns when it is let go."""

    def __init__(self) -> None:
        self.go = Event()
        self.begun = Event()
        self.asked = 0

    def collect(self) -> Iterator[Any]:
        self.asked += 1
        self.begun.set()
        self.go.wait(10)
        yield GaugeMetricFamily("slow", "h", value=1)


def test_pieces_are_the_blocks_in_order_none_of_them_larger_than_a_turn_allows() -> None:
    blocks = [f"{number} {'x' * 99}\n".encode() for number in range(5000)]

    pieces = list(in_turns(blocks))

    assert b"".join(pieces) == b"".join(blocks)
    assert max(map(len, pieces)) <= page._PIECE + 110


def test_compressed_pieces_are_one_gzip_member() -> None:
    pieces = [b"a" * 1000, b"b" * 1000, b""]

    assert gzip.decompress(b"".join(compressed(pieces))) == b"a" * 1000 + b"b" * 1000


async def test_other_work_goes_on_between_the_turns_of_a_large_page() -> None:
    registry = large()
    turns = 0
    rendering = asyncio.ensure_future(shown(registry).page(ANY))

    while not rendering.done():
        turns += 1
        await asyncio.sleep(0)

    made = rendering.result()
    # One turn of ours for each piece, and one of the loop after each.
    assert turns >= len(made.pieces) > 10


async def test_a_page_that_is_being_made_serves_everybody_who_asks_meanwhile() -> None:
    made = shown(large())

    first, second, zipped = await asyncio.gather(made.page(ANY), made.page(ANY), made.page(ANY, gzip=True))

    assert first is second
    assert gzip.decompress(zipped.body) != b""


async def test_pages_in_several_forms_at_once_have_the_same_collectors() -> None:
    registry, failed = large(), list[tuple[str, str]]()
    slow = Slow()
    slow.go.set()
    registry.register(slow)
    made = shown(registry, failed)

    pages = await asyncio.gather(
        made.page(ANY), made.page("application/openmetrics-text"), made.page(ANY, gzip=True)
    )

    bodies = [gzip.decompress(one.body) if one.encoding else one.body for one in pages]
    assert [b"slow 1.0" in body for body in bodies] == [True, True, True]
    assert failed == []
    await letting_go(made, slow)


@pytest.mark.parametrize("labels", [(), ("place",)])
async def test_a_function_of_a_gauge_is_asked_once_and_beside_the_loop(labels: tuple[str, ...]) -> None:
    registry, asked = CollectorRegistry(), list[int]()
    gauge = Gauge("level", "h", labels, registry=registry)
    made = shown(registry)

    def told() -> float:
        asked.append(threading.get_ident())
        return 7.0

    (gauge.labels("here") if labels else gauge).set_function(told)
    body = (await made.page(ANY)).body

    assert b"7.0" in body
    assert len(asked) == 1
    assert threading.get_ident() not in asked
    made.close()


async def test_who_goes_away_does_not_take_the_page_from_others() -> None:
    made = shown(large())
    impatient = asyncio.ensure_future(made.page(ANY))
    patient = asyncio.ensure_future(made.page(ANY))
    await asyncio.sleep(0)

    impatient.cancel()

    assert (await patient).size > 0
    assert impatient.cancelled()


async def test_a_small_page_is_made_anew() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("level", "h", registry=registry)
    made = shown(registry)
    before = await made.page(ANY)

    gauge.set(7)

    assert b"level 7.0" in (await made.page(ANY)).body
    assert b"level 0.0" in before.body


async def test_a_small_page_is_given_again_to_a_crowd() -> None:
    registry = CollectorRegistry()
    Gauge("level", "h", registry=registry)
    made = shown(registry)
    started = monotonic()

    pages = [await made.page(ANY) for _ in range(300)]

    whole_seconds = int(monotonic() - started) + 1
    assert 1 < len(set(map(id, pages))) <= 11 * whole_seconds


async def test_a_large_page_is_given_again() -> None:
    made = shown(large(4000))

    assert await made.page(ANY) is await made.page(ANY)


async def test_the_page_in_turns_is_the_page_in_one_go() -> None:
    registry = large()
    Counter("orders", "h", registry=registry).inc()

    for accept in (ANY, "application/openmetrics-text; version=1.0.0"):
        in_one_go = shown(registry).render(accept)
        turned = await shown(registry).page(accept)

        assert turned.body == in_one_go.body
        assert turned.content_type == in_one_go.content_type


@pytest.mark.usefixtures("impatient")
async def test_a_collector_that_never_returns_costs_its_own_families_only() -> None:
    registry = CollectorRegistry()
    Gauge("level", "h", registry=registry).set(3)
    slow = Slow()
    registry.register(slow)
    failed: list[tuple[str, str]] = []
    made = shown(registry, failed)

    pages = [await made.page(ANY), await made.page(ANY)]
    slow.go.set()
    answered = await _until_it_is_there(made, b"slow 1.0")

    assert [page.body for page in pages] == [b"# HELP level h\n# TYPE level gauge\nlevel 3.0\n"] * 2
    assert failed[:2] == [
        ("Slow", "the collector took over 0.05 s"),
        ("Slow", "the collector has not returned from an earlier scrape"),
    ]
    assert answered
    await letting_go(made, slow)


@pytest.mark.usefixtures("impatient")
async def test_a_hanging_collector_is_not_asked_again_until_it_returns() -> None:
    registry = CollectorRegistry()
    slow = Slow()
    registry.register(slow)
    made = shown(registry)

    for _ in range(5):
        await made.page(ANY)

    assert slow.begun.wait(10)
    assert slow.asked == 1
    await letting_go(made, slow)


async def _until_it_is_there(made: Exposition, line: bytes) -> bool:
    async with asyncio.timeout(10):
        while True:
            if line in (await made.page(ANY)).body:
                return True
