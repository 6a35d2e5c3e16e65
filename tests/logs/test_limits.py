"""Of an event no more is written than was asked for; errors are, and what is missing is told exactly."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext
from prometheus_client import CollectorRegistry

from observekit import get_logger, setup
from observekit.logs import limits as limits_module
from observekit.logs.limits import Limits

SUPPRESSED = "observekit_log_records_suppressed_total"
REASONS = ("rate_limited", "sampled")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits_module, "monotonic", clock)
    return clock


def nothing(reason: str, records: int) -> None:
    """Count nothing."""


def test_so_many_a_second_are_written_and_the_next_one_says_how_many_are_missing(clock: Clock) -> None:
    lost: list[tuple[str, int]] = []
    made = Limits({"polled": 10}, {}, lambda *one: lost.append(one))

    first = [made.admit("polled", None) for _ in range(100)]
    clock.now += 0.5
    second = [made.admit("polled", None) for _ in range(10)]

    assert first == [0] * 10 + [None] * 90
    assert second == [90] + [0] * 4 + [None] * 5
    assert lost == [("rate_limited", 1)] * 95
    assert list(made.untold(all_of_them=True)) == [("polled", 5)]
    assert made.admit("other", None) == 0


def test_a_rate_below_one_is_one_in_so_many_seconds(clock: Clock) -> None:
    made = Limits({"*": 0.1}, {}, nothing)

    told = []
    for _ in range(40):
        told.append(made.admit("tick", None))
        clock.now += 1

    assert [number for number, one in enumerate(told) if one is not None] == [0, 10, 20, 30]


def test_an_event_that_falls_silent_is_told_of_after_a_minute(clock: Clock) -> None:
    made = Limits({"polled": 0}, {}, nothing)

    made.admit("polled", None)
    made.admit("polled", None)
    clock.now += 59
    early = list(made.untold())
    clock.now += 61

    assert (early, list(made.untold()), list(made.untold(all_of_them=True))) == ([], [("polled", 2)], [])


def test_a_share_keeps_all_records_of_a_trace_or_none() -> None:
    made = Limits({}, {"hit": 0.25}, nothing)
    ids = [f"{number:016x}{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 4001)]

    kept = [made.admit("hit", one) is not None for one in ids]

    assert kept == [made.admit("hit", one) is not None for one in ids]
    assert 850 < sum(kept) < 1150
    assert made.admit("hit", "0" * 32) is not None


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans())))
def test_written_and_suppressed_are_all_there_were(records: list[tuple[str, bool]]) -> None:
    lost: Counter[str] = Counter()
    made = Limits({"a": 2, "*": 1}, {"b": 0.5}, lambda reason, count: lost.update({reason: count}))

    written, told = 0, 0
    for event, traced in records:
        admitted = made.admit(event, f"{len(records):032x}" if traced else None)
        written += admitted is not None
        told += admitted or 0
    told += sum(count for _, count in made.untold(all_of_them=True))

    assert written + told == len(records)
    assert sum(lost.values()) == told


def test_names_of_events_that_are_made_of_data_take_no_more_room() -> None:
    made = Limits({"*": 1}, {}, nothing)

    for number in range(5_000):
        made.admit(f"event-{number}", None)
    made.admit("x" * 1_000_000, None)

    assert len(made._events) <= 1025
    assert sum(count for _, count in made.untold(all_of_them=True)) > 3_000


def test_what_is_said_of_one_event_holds_for_no_other_however_many_there_are() -> None:
    long = "x" * 300
    made = Limits({"*": 1_000, long: 0}, {"hit": 0}, nothing)
    for number in range(1_100):
        made.admit(f"event-{number}", None)

    silenced = [made.admit(event, None) for event in ("hit", long)]

    assert (silenced, made.admit("other", None), made.admit("event-1099", None)) == ([None, None], 0, 0)


def test_a_field_of_the_name_that_we_count_under_is_kept_under_another(
    capfd: pytest.CaptureFixture[str], strict: Callable[[str], Any], clock: Clock
) -> None:
    kit = setup(registry=CollectorRegistry(), log_format="json", traces=False, log_limits={"polled": 1})
    for _ in range(3):
        get_logger("shop").info("polled", suppressed="mine")
    clock.now += 2
    get_logger("shop").info("polled", suppressed="mine")
    kit.shutdown()

    lines = [strict(line) for line in capfd.readouterr().out.splitlines()]
    told = [
        {key: value for key, value in one.items() if key.startswith("suppressed")}
        for one in lines
        if one["event"] == "polled"
    ]
    assert told == [{"suppressed": "mine"}, {"suppressed": 2, "suppressed_": "mine"}]


def test_a_storm_of_threads_is_written_within_its_limit_and_accounted_for_to_the_record(
    capfd: pytest.CaptureFixture[str], strict: Callable[[str], Any]
) -> None:
    limits = {"storm": 5, "polled %d": 1}
    kit = setup(
        registry=CollectorRegistry(),
        log_format="json",
        traces=False,
        log_limits=limits,
        log_sampling={"hit": 0},
    )
    log = get_logger("storm")

    def storm() -> None:
        for number in range(5_000):
            log.info("storm", number=number)
        log.error("storm")

    threads = [threading.Thread(target=storm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(20):
        logging.getLogger("storm").info("polled %d", number)
    with trace.use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=False))):
        log.info("hit")
    counted = [kit.registry.get_sample_value(SUPPRESSED, {"reason": reason}) for reason in REASONS]
    kit.shutdown()
    records = [strict(line) for line in capfd.readouterr().out.splitlines()]

    mine = [one for one in records if one["logger"] == "storm"]
    told = sum(one.get("suppressed", 0) for one in records)
    assert [one["event"] for one in mine if one["level"] == "error"] == ["storm"] * 4
    assert len(mine) + told == 20_000 + 4 + 20 + 1
    assert (sum(one or 0 for one in counted), told > 10_000) == (told, True)
