"""Signal handlers and finalisers may do anything in the middle of anything, and no value is spoilt."""

import gc
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from observekit.metrics.workers.group import Group
from observekit.metrics.workers.shapes import Shape

from .conftest import Crew
from .crew import REQUESTS, shown, total


def _interrupt(work: Callable[[], None], handle: Callable[[], None]) -> int:
    """Do *work* while a signal has *handle* called again and again, and return how often it was."""
    handled = 0

    def handler(*_: object) -> None:
        nonlocal handled
        handled += 1
        handle()

    before = signal.signal(signal.SIGVTALRM, handler)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0002, 0.0002)
    try:
        while handled < 50:
            work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return handled


def test_a_signal_handler_may_do_anything_in_the_middle_of_anything(crew: Crew, group: Group) -> None:
    worked, interrupted = 0, 0

    def everything(kind: str, number: int) -> None:
        group.record(REQUESTS, (f"{kind} {number}",))[0] += 1.0
        group.tend()
        group.snapshot()

    def work() -> None:
        nonlocal worked
        worked += 1
        everything("work", worked)

    def handle() -> None:
        nonlocal interrupted
        interrupted += 1
        everything("handler", interrupted)

    _interrupt(work, handle)
    group.tend()

    assert total(group) == total(crew.watcher()) == worked + interrupted
    assert not group.degraded
    assert crew.failures == []


def test_a_signal_handler_may_take_a_record_in_the_middle_of_taking_one(
    crew: Crew, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handlers run when a system call returns; here in each one that taking a record makes."""
    expected: dict[str, dict[tuple[str, ...], list[float]]] = {}
    shapes = [REQUESTS._replace(name=f"requests_{number}_total") for number in range(4)]
    inside = False

    def take(shapes: list[Shape]) -> None:
        for shape in shapes:
            route = str(sum(map(len, expected.values())))
            expected.setdefault(shape.name, {})[(route,)] = [1.0]
            group.record(shape, (route,))[0] += 1.0

    def interrupted(call: Callable[..., Any]) -> Callable[..., Any]:
        def handled(*arguments: object) -> object:
            nonlocal inside
            answer = call(*arguments)
            if not inside:
                inside = True
                take(shapes[::-1])
                inside = False
            return answer

        return handled

    for name in ("write", "posix_fallocate"):
        monkeypatch.setattr(os, name, interrupted(getattr(os, name)))
    for _ in range(500):
        take(shapes)
    monkeypatch.undo()
    group.tend()

    assert shown(group) == shown(crew.watcher()) == expected
    assert crew.failures == []


class _Counts:
    """Counts when it is collected."""

    def __init__(self, group: Group, number: int) -> None:
        self.group, self.number, self.itself = group, number, self

    def __del__(self) -> None:
        self.group.record(REQUESTS, (f"finaliser {self.number}",))[0] += 1.0
        self.group.snapshot()
        self.group.tend()


def test_a_finaliser_may_count_in_the_middle_of_anything(crew: Crew, group: Group) -> None:
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(200):
            _Counts(group, number)
            group.record(REQUESTS, (f"work {number}",))[0] += 1.0
    finally:
        gc.set_threshold(*before)
    gc.collect()
    group.tend()

    assert total(group) == total(crew.watcher()) == 400.0
    assert crew.failures == []
