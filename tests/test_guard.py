"""What fails inside stops at the guard, is counted each time, and is told once a minute."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from weakref import ref

from observekit.guard import Guard, around_forks, in_forked_child


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_failure_is_counted_by_its_component() -> None:
    guard = Guard(("logs", "traces"))

    for component in ("logs", "logs", "unheard of"):
        guard.failed(component, ValueError("no"))

    assert guard.failures == {"logs": 2, "traces": 0, "unheard of": 1}


def test_a_component_is_told_of_once_a_minute() -> None:
    clock, told = Clock(), list[tuple[str, str, int]]()
    guard = Guard(("logs", "traces"), clock)
    guard.report_to(lambda component, error, failures: told.append((component, str(error), failures)))

    for now in (0.0, 1.0, 59.9, 60.0, 61.0):
        clock.now = now
        guard.failed("logs", ValueError(str(now)))
    guard.failed("traces", ValueError("other"))

    assert told == [("logs", "0.0", 1), ("logs", "60.0", 4), ("traces", "other", 1)]


def test_a_report_that_fails_is_nobodys_problem() -> None:
    guard = Guard(("logs",))

    def report(component: str, error: BaseException, failures: int) -> None:
        guard.failed(component, error)
        raise RuntimeError("cannot tell")

    guard.report_to(report)
    guard.failed("logs", ValueError("no"))

    assert guard.failures == {"logs": 2}


def test_failures_in_a_signal_handler_are_counted_too() -> None:
    guard, handled = Guard(("logs",)), 0

    def handle(*_: object) -> None:
        nonlocal handled
        handled += 1
        guard.failed("logs", ValueError("handler"))

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    for _ in range(50_000):
        guard.failed("logs", ValueError("normal"))
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)

    assert handled > 0
    assert guard.failures == {"logs": 50_000 + handled}


class Child:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def reset(self) -> None:
        os.write(self._descriptor, b"reset")


def test_a_child_is_told_and_a_dead_object_is_not() -> None:
    reader, writer = os.pipe()
    alive, dead = Child(writer), Child(writer)
    in_forked_child(alive.reset)
    in_forked_child(dead.reset)
    gone = ref(dead)
    del dead
    gc.collect()

    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    found = os.read(reader, 100)
    os.close(reader)
    os.close(writer)

    assert (gone(), found) == (None, b"reset")


class Garbage(Child):
    """Lives until the next collection."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.itself = self


class Broken:
    def reset(self) -> None:
        raise RuntimeError("broken")


def told_in_a_child() -> bytes:
    """Fork, and return what the objects of the child wrote when they were told; its complaints go nowhere."""
    reader, writer = os.pipe()
    alive = Child(writer)
    in_forked_child(alive.reset)
    sys.unraisablehook, before = lambda _: None, sys.unraisablehook
    child = os.fork()
    if child == 0:
        os._exit(0)
    sys.unraisablehook = before
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as found:
        return found.read()


def test_a_child_is_told_although_an_earlier_object_fails() -> None:
    broken = Broken()
    in_forked_child(broken.reset)

    assert told_in_a_child() == b"reset"


def test_a_child_is_told_although_garbage_is_collected_in_the_middle() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    thresholds = gc.get_threshold()
    found = set()
    try:
        for soon in range(1, 12):
            gc.disable()
            for _ in range(50):
                in_forked_child(Garbage(null).reset)
            gc.set_threshold(gc.get_count()[0] + 8 * soon)
            gc.enable()
            found.add(told_in_a_child())
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()
        os.close(null)

    assert found == {b"reset"}


class Parent:
    def __init__(self) -> None:
        self.told: list[str] = []

    def before_fork(self) -> None:
        self.told.append("before")

    def after_fork(self) -> None:
        self.told.append("after")


def test_a_parent_is_told_around_its_fork_and_one_that_is_gone_is_not(
    run_in_child: Callable[[Callable[[], int]], int],
) -> None:
    parent, gone = Parent(), Parent()
    around_forks(parent)
    around_forks(gone)
    told = gone.told
    del gone
    gc.collect()

    in_child = run_in_child(lambda: len(parent.told))

    assert (in_child, parent.told, told) == (1, ["before", "after"], [])
