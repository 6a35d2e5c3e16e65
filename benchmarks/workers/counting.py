"""CPU time of an increment and of an observation in one of four workers.

``python -m benchmarks.workers.counting VARIANT DIRECTORY``
"""

import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from prometheus_client import Counter, Histogram

from benchmarks.workers.child import CELLS, OURS, SINGLE, serve
from benchmarks.workers.crew import Crew
from observekit import setup
from observekit.catalogue.metrics import REQUEST_DURATION, REQUESTS_ABORTED
from observekit.metrics.store import Store
from observekit.metrics.workers.group import Group

_CALLS = 20_000
_OTHERS = 3
_SECONDS = 0.0123
_COUNTER_LABELS = ("/items/{id}", "error")
_HISTOGRAM_LABELS = ("GET", "/items/{id}", "200")

Action = Callable[[], object]


def cells(directory: Path) -> tuple[dict[str, Action], Crew]:
    """Return what counts in cells of observekit's own, in a group."""

    def join() -> tuple[Store, Group]:
        store, group = Store(series_limit=2000), Group(directory / "group", _fail)
        counter, histogram = store.counter(REQUESTS_ABORTED), store.histogram(REQUEST_DURATION)
        group.join()
        store.share(group.record)
        counter.cell(*_COUNTER_LABELS).add()
        histogram.cell(*_HISTOGRAM_LABELS).observe(_SECONDS)
        joined.append((store, group))  # It lives as long as its process.
        made[:] = [counter.cell(*_COUNTER_LABELS).add, histogram.cell(*_HISTOGRAM_LABELS).observe]
        return store, group

    joined: list[tuple[Store, Group]] = []
    made: list[Callable[..., object]] = []
    crew = Crew(_OTHERS, join)
    _, group = join()
    add, observe = made
    add()
    if group.degraded:
        raise RuntimeError("it counts in memory only")
    return {"increment": add, "observation": lambda: observe(_SECONDS)}, crew


def client(variant: str) -> tuple[dict[str, Action], Crew]:
    """Return what counts with prometheus-client's metrics, in a group of observekit's or without."""
    if variant == OURS:
        setup(logs="off", traces=False)
    counter = Counter("aborted", "Aborted.", ["route", "reason"])
    histogram = Histogram("seconds", "Time.", REQUEST_DURATION.labels, buckets=REQUEST_DURATION.buckets)

    def work() -> None:
        counter.labels(*_COUNTER_LABELS).inc()
        histogram.labels(*_HISTOGRAM_LABELS).observe(_SECONDS)

    crew = Crew(0 if variant == SINGLE else _OTHERS, work)
    work()
    one, other = counter.labels(*_COUNTER_LABELS), histogram.labels(*_HISTOGRAM_LABELS)
    return {
        "increment": one.inc,
        "observation": lambda: other.observe(_SECONDS),
        "increment-labels": lambda: counter.labels(*_COUNTER_LABELS).inc(),
        "observation-labels": lambda: histogram.labels(*_HISTOGRAM_LABELS).observe(_SECONDS),
    }, crew


def main() -> None:
    """Answer how long each takes, in microseconds a call."""
    variant, directory = sys.argv[1], Path(sys.argv[2])
    actions, crew = cells(directory) if variant == CELLS else client(variant)
    serve({name: lambda action=action: _time(action) for name, action in actions.items()})  # type: ignore[misc]
    crew.end()


def _time(action: Action) -> float:
    started = process_time()
    for _ in range(_CALLS):
        action()
    return (process_time() - started) / _CALLS * 1e6


def _fail(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    main()
