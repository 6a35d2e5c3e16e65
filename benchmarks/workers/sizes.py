"""What a series takes in memory and in files.

``python -m benchmarks.workers.sizes VARIANT DIRECTORY SERIES``
"""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

from benchmarks.workers.child import CELLS, OURS, serve
from observekit.catalogue import MetricSpec
from observekit.metrics.store import Store
from observekit.metrics.workers.member import Member

_SPEC = MetricSpec(name="orders_total", kind="counter", help="Orders by customer.", labels=("customer",))

Sizes = dict[str, float]


def _make(variant: str, directory: Path) -> Callable[[str], object]:
    """Return what makes a series and counts in it."""
    registry, store = CollectorRegistry(), Store(series_limit=sys.maxsize)
    if variant == CELLS:
        family = store.counter(_SPEC)
        make: Callable[[str], object] = lambda customer: family.cell(customer).add()  # noqa: E731
    else:
        counter = Counter("orders", _SPEC.help, _SPEC.labels, registry=registry)
        make = lambda customer: counter.labels(customer).inc()  # noqa: E731
    if variant in (OURS, CELLS):
        Member(store, registry, _fail, lambda error: _fail("workers", error)).join(directory / "group")
    return make


def measured(variant: str, directory: Path, series: int) -> Sizes:
    """Return the bytes that a series takes, in memory and in files."""
    make = _make(variant, directory)
    make("first")
    gc.collect()
    memory, files = _resident(), _files(directory)
    for number in range(series):
        make(f"customer-{number}")
    gc.collect()
    return {
        "memory": (_resident() - memory) / series,
        "files": (_files(directory) - files) / series,
    }


def _resident() -> int:
    # Mapped files are in it as far as they have been written to: both are what a series takes.
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _files(directory: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


def _fail(where: str, error: BaseException) -> None:
    raise RuntimeError(where) from error


def main() -> None:
    """Answer what a series takes."""
    disable_created_metrics()
    variant, directory, series = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    serve({"sizes": lambda: measured(variant, directory, series)})


if __name__ == "__main__":
    main()
