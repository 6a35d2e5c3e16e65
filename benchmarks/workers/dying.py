"""A page, and the files behind it, after workers have died.

``python -m benchmarks.workers.dying VARIANT DIRECTORY``
"""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from benchmarks.workers.child import MULTI, serve
from benchmarks.workers.crew import Crew, dead
from observekit.metrics.exposition import Exposition
from observekit.metrics.store import Store
from observekit.metrics.workers.member import Member

_SERIES = 60
_LIVING = 4
_AT_A_TIME = 250
_TEXT = "text/plain;version=0.0.4"

Numbers = dict[str, float]


class Service:
    """Four workers that live, one of which answers, and those that die."""

    def __init__(self, variant: str, directory: Path) -> None:
        self._theirs = variant == MULTI
        self._directory = directory if self._theirs else directory / "group"
        registry = CollectorRegistry()
        self._histogram = Histogram("seconds", "Time.", ["route"], registry=registry)
        self._member = Member(Store(2000), registry, _fail, lambda error: _fail("workers", error))
        self._exposition = Exposition(registry, _fail, lambda _: None, self._member)
        self._died = 0
        self.crew = Crew(_LIVING - 1, self._work)
        self._work()

    def _work(self) -> None:
        if not self._theirs:
            self._member.join(self._directory)
        for number in range(_SERIES):
            self._histogram.labels(str(number)).observe(0.01)

    def die(self, count: int) -> Numbers:
        """Have workers die until there have been so many; return what there is then."""
        while self._died < count:
            part = min(_AT_A_TIME, count - self._died)
            dead(part, self._work)
            self._died += part
            if not self._theirs:
                self._member.tend()
        if f'_count{{route="0"}} {count + _LIVING:.1f}'.encode() not in self._page():
            raise RuntimeError(f"not all of the {count} dead are counted")
        files = [file for file in self._directory.iterdir() if file.is_file()]
        return {"files": len(files), "bytes": sum(file.stat().st_blocks * 512 for file in files)}

    def page(self) -> float:
        """Return the CPU milliseconds of a page."""
        gc.collect()
        started = process_time()
        self._page()
        return (process_time() - started) * 1e3

    def _page(self) -> bytes:
        if not self._theirs:
            return self._exposition.render(_TEXT).body
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)


def main() -> None:
    """Answer what a page takes, and have workers die."""
    disable_created_metrics()
    service = Service(sys.argv[1], Path(sys.argv[2]))
    counts: dict[str, Callable[[], object]] = {
        str(count): lambda count=count: service.die(count)  # type: ignore[misc]
        for count in (4, 64, 256, 1_000, 10_000)
    }
    serve({"page": service.page, **counts})
    service.crew.end()


def _fail(where: str, error: BaseException) -> None:
    raise RuntimeError(where) from error


if __name__ == "__main__":
    main()
