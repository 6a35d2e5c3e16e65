"""The checks of a probe: registered once, asked for their probe only, their results reused and shown."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, cast

import pytest

from observekit.errors import RegistrationError
from observekit.health.check import CheckFunction, Probe

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


async def passes() -> None:
    await asyncio.sleep(0)


async def says_no() -> bool:
    return False


def test_a_result_is_reused_until_it_is_as_old_as_the_cache_allows(bench: "Bench") -> None:
    answers = iter([True, False])
    bench.add(lambda: next(answers))

    first = bench.run(bench.ask())
    bench.clock.now += 1.999
    reused = bench.run(bench.ask())
    bench.clock.now += 0.001
    second = bench.run(bench.ask())

    assert (first, reused, second) == (("ok",), ("ok",), ("failed",))
    assert bench.changed == [("check", None, "ok"), ("check", "ok", "failed")]


def test_a_check_may_not_take_longer_than_all_together(make_bench: "Callable[..., Bench]") -> None:
    bench = make_bench(total_seconds=0.05)
    release = Event()
    bench.add(lambda: release.wait(LONG))
    bench.add(lambda: release.wait(LONG), "second")

    async def probe() -> tuple[tuple[str, ...], float]:
        before = asyncio.get_running_loop().time()
        return await bench.ask(), asyncio.get_running_loop().time() - before

    told, seconds = bench.run(probe())
    release.set()

    assert told == ("timeout", "timeout")
    assert seconds < LONG / 2


def test_probes_ask_their_own_checks_only(bench: "Bench") -> None:
    probes: tuple[Probe, ...] = ("liveness", "readiness", "startup")
    for probe in probes:
        bench.add(passes, probe, probe=probe)

    for probe in probes:
        bench.run(bench.ask(probe))

    assert bench.observed == [("liveness", "ok"), ("readiness", "ok"), ("startup", "ok")]


def test_only_required_checks_decide(bench: "Bench") -> None:
    bench.add(says_no, "cache", criticality="degraded")
    bench.add(says_no, "mail", criticality="info")
    before = bench.run(bench.engine.ask("readiness")).passed("readiness")

    bench.add(says_no, "db")
    bench.clock.now += 10
    after = bench.run(bench.engine.ask("readiness")).passed("readiness")

    assert (before, after) == (True, False)


def test_results_are_readings_from_the_first_run_on_and_reading_runs_nothing(bench: "Bench") -> None:
    calls: list[None] = []
    bench.add(lambda: calls.append(None), "db")
    bench.add(says_no, "queue")
    bench.add(says_no, "cache", criticality="degraded")
    before = list(bench.engine.readings())

    bench.run(bench.ask())
    bench.clock.now += 10
    after = list(bench.engine.readings())

    assert before == []
    assert after == [
        (("db", "readiness", "required"), 1.0),
        (("queue", "readiness", "required"), 0.0),
        (("cache", "readiness", "degraded"), 0.5),
    ]
    assert len(calls) == 1


def test_a_check_is_refused_with_everything_that_is_wrong_with_it(bench: "Bench") -> None:
    with pytest.raises(RegistrationError) as told:
        bench.add(
            cast("CheckFunction", "select 1"), "a b", probe="ready", criticality="vital", timeout_seconds=0
        )

    assert str(told.value) == (
        "'a b' cannot name a health check; it must be 1 to 64 letters, digits, '_', '.' or '-', and begin "
        "with a letter or digit.\n"
        "probe of check 'a b' is 'ready', but must be one of liveness, readiness, startup.\n"
        "criticality of check 'a b' is 'vital', but must be one of required, degraded, info.\n"
        "check 'a b' is 'select 1', but must be a function without arguments.\n"
        "timeout_seconds of check 'a b' is 0, but must be above 0, like 0.5."
    )


def test_a_class_of_which_no_object_can_be_made_is_refused(bench: "Bench") -> None:
    class Asks:
        def __init__(self, pool: object) -> None:
            self.pool = pool

        def __call__(self) -> bool:
            return self.pool is not None

    with pytest.raises(RegistrationError) as told:
        bench.add(Asks, "db")  # type: ignore[arg-type]  # this is what is wrong with it

    assert re.sub(r"\(TypeError: .*\)", "(...)", str(told.value)) == (
        "check 'db' is the class 'test_a_class_of_which_no_object_can_be_made_is_refused.<locals>.Asks', of "
        "which no object can be made without arguments (...). Register an object of it."
    )


def test_a_name_is_taken_once_also_by_eight_threads(bench: "Bench") -> None:
    start = threading.Barrier(8)

    def register() -> str:
        start.wait()
        try:
            bench.add(passes)
        except RegistrationError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        told = Counter(one.result() for one in [pool.submit(register) for _ in range(8)])

    assert told == {"": 1, "a health check 'check' is registered already; names must differ.": 7}
