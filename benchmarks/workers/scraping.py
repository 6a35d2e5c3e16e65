"""CPU time of the page of sixteen workers, each of which has the same ten thousand lines.

``python -m benchmarks.workers.scraping VARIANT DIRECTORY WORKERS LINES [BELOW]``: with so many gauges below
zero in each worker, too, which have to be looked at one by one.
"""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from prometheus_client import CollectorRegistry, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from benchmarks.workers.child import CELLS, MULTI, serve
from benchmarks.workers.crew import Crew
from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.metrics.exposition import Exposition
from observekit.metrics.store import Store
from observekit.metrics.workers.member import Member

_TEXT = "text/plain;version=0.0.4"
_LINES_OF_ONE = len(REQUEST_DURATION.buckets) + 3
Render = Callable[[], bytes]


def _labels(lines: int) -> list[tuple[str, str, str]]:
    return [("GET", f"/items/{number}", "200") for number in range(lines // _LINES_OF_ONE)]


def theirs(workers: int, lines: int) -> tuple[Render, Crew]:
    """Return prometheus-client's own page of several processes."""
    histogram = _histogram(CollectorRegistry())

    def work() -> None:
        for one in _labels(lines):
            histogram.labels(*one).observe(0.01)

    crew = Crew(workers, work)

    def render() -> bytes:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)

    return render, crew


def ours(variant: str, directory: Path, workers: int, lines: int, below: int = 0) -> tuple[Render, Crew]:
    """Return observekit's page, with cells of its own or with a user's prometheus-client metrics."""
    registry, store = CollectorRegistry(), Store(series_limit=sys.maxsize)
    if variant == CELLS:
        family = store.histogram(REQUEST_DURATION)
        registry.register(store)
        observe: Callable[..., object] = lambda *one: family.cell(*one).observe(0.01)  # noqa: E731
    else:
        histogram = _histogram(registry)
        observe = lambda *one: histogram.labels(*one).observe(0.01)  # noqa: E731
    depth = Gauge("depth", "Below zero.", ["of"], registry=registry, multiprocess_mode="livesum")
    member = Member(store, registry, _fail, lambda error: _fail("workers", error))

    def work() -> None:
        member.join(directory / "group")
        for one in _labels(lines):
            observe(*one)
        for number in range(below):
            depth.labels(str(number)).set(-1)

    crew = Crew(workers - 1, work)
    work()
    exposition = Exposition(registry, _fail, lambda _: None, member)
    return lambda: b"".join(exposition.render(_TEXT).pieces), crew


def _histogram(registry: CollectorRegistry) -> Histogram:
    spec = REQUEST_DURATION
    return Histogram(spec.name, spec.help, spec.labels, buckets=spec.buckets, registry=registry)


def main() -> None:
    """Answer how long a page takes, in milliseconds, and what its first sum is."""
    variant, directory = sys.argv[1], Path(sys.argv[2])
    workers, lines, below = map(int, [*sys.argv[3:6], "0"][:3])
    disable_created_metrics()
    if variant == MULTI:
        render, crew = theirs(workers, lines)
    else:
        render, crew = ours(variant, directory, workers, lines, below)
    _check(render(), workers, lines)
    serve({"page": lambda: _time(render)})
    crew.end()


def _check(page: bytes, workers: int, lines: int) -> None:
    """Refuse a page that is not the whole of all workers."""
    counts = [
        line for line in page.splitlines() if line.startswith(f"{REQUEST_DURATION.name}_count".encode())
    ]
    told = {float(line.rpartition(b" ")[2]) for line in counts}
    if len(counts) != len(_labels(lines)) or told != {float(workers)}:
        raise RuntimeError(f"{len(counts)} series say {told}, not {workers}.")


def _time(render: Render) -> float:
    gc.collect()  # Nobody pays for what another has left behind.
    started = process_time()
    render()
    return (process_time() - started) * 1e3


def _fail(where: str, error: BaseException) -> None:
    raise RuntimeError(where) from error


if __name__ == "__main__":
    main()
