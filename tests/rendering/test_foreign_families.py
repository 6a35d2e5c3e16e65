"""Families of anybody's collector are made in short turns too, whole or not at all, and have an end."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import count

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from observekit.metrics import collecting
from tests.rendering.test_turns import ANY, shown
from tests.waiting import until

pytestmark = pytest.mark.anyio

SERIES = 20_000


class Places:
    """A collector of one large family; the value of its last series is *last*."""

    def __init__(self, last: object = 1) -> None:
        self.last = last

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("place", "h", labels=["number"])
        for number in range(SERIES):
            family.add_metric([str(number)], number)
        family.add_metric(["last"], self.last)  # type: ignore[arg-type]  # what users put there
        yield family


class Endless:
    """A collector whose families have no end."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return (GaugeMetricFamily(f"endless_{number}", "h", value=1) for number in count())


def of(*collectors: object) -> CollectorRegistry:
    registry = CollectorRegistry()
    for one in collectors:
        registry.register(one)  # type: ignore[arg-type]  # as users do
    return registry


async def test_other_work_goes_on_between_the_turns_of_a_large_family_of_a_collector() -> None:
    registry = of(Places())
    made = shown(registry)
    rendering = asyncio.ensure_future(made.page(ANY))
    turns = 0
    while not rendering.done():
        turns += 1
        await asyncio.sleep(0)

    assert rendering.result().body == generate_latest(registry)
    # Sixty-four lines are looked at, and then made, between two looks at the clock.
    assert turns > 10
    made.close()


async def test_a_family_whose_last_value_is_none_is_not_there_by_half() -> None:
    failed: list[tuple[str, str]] = []
    made = shown(of(Places("many")), failed)

    page = await made.page(ANY)

    assert b"place" not in page.body
    assert [name for name, _ in failed] == ["place"]
    made.close()


async def test_a_lone_surrogate_at_the_end_of_a_large_family_is_mended_and_nothing_is_there_twice() -> None:
    places = Places()
    made = shown(of(places))
    before = made.render(ANY)
    collect = places.collect

    def strange() -> Iterator[GaugeMetricFamily]:
        family = next(collect())
        family.add_metric(["\ud800"], 1)
        yield family

    places.collect = strange  # type: ignore[method-assign]
    mended = await made.page(ANY)

    assert mended.body.splitlines()[: SERIES + 3] == before.body.splitlines()
    assert mended.body.splitlines()[SERIES + 3 :] == [rb'place{number="\\ud800"} 1.0']
    made.close()


async def test_a_collector_without_end_costs_its_own_families_and_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "_MOST_FAMILIES", 1000)
    failed: list[tuple[str, str]] = []
    made = shown(of(Places(), Endless()), failed)

    page = await made.page(ANY)
    again = made.render(ANY)

    assert [b"endless" in one.body for one in (page, again)] == [False, False]
    assert [b'place{number="last"} 1.0' in one.body for one in (page, again)] == [True, True]
    assert {name for name, _ in failed} == {"Endless"}
    made.close()
    until(lambda: not [one for one in threading.enumerate() if one.name.startswith("observekit-collect")])
