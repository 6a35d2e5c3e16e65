"""While many threads count, no page shows less than the one before it, and the last one shows everything."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from observekit.catalogue import MetricSpec
from observekit.metrics.exposition import Exposition
from observekit.metrics.store import Store

THREADS = 8
EACH = 20_000
SERIES = 100
JOBS = MetricSpec(name="jobs_total", kind="counter", help="Jobs.", labels=("queue",))
SECONDS = MetricSpec(
    name="work_seconds", kind="histogram", unit="seconds", help="Work.", labels=("queue",), buckets=(0.5, 2.0)
)


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Let threads take turns so often that they meet in the middle of what they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_nothing_is_lost_and_nothing_falls_while_pages_are_made() -> None:
    registry, store = CollectorRegistry(), Store(10 * SERIES)
    jobs, work = store.counter(JOBS), store.histogram(SECONDS)
    registry.register(store)
    theirs = Counter("theirs", "A metric of the service's own.", ["queue"], registry=registry)
    failed: list[str] = []
    exposition = Exposition(registry, lambda name, _: failed.append(name), lambda _: None)
    begin = Barrier(THREADS + 1)

    def count() -> None:
        begin.wait()
        for number in range(EACH):
            queue = str(number % SERIES)
            jobs.cell(queue).add()
            work.cell(queue).observe(number % 3)
            if number % 10 == 0:
                theirs.labels(queue).inc()

    def page() -> dict[str, float]:
        families = text_string_to_metric_families(exposition.render("text/plain").body.decode())
        return {
            f"{one.name}{sorted(one.labels.items())}": one.value
            for family in families
            for one in family.samples
            if not one.name.endswith("_created")
        }

    threads = [Thread(target=count) for _ in range(THREADS)]
    for one in threads:
        one.start()
    begin.wait()
    pages = [page()]
    while any(one.is_alive() for one in threads):
        pages.append(page())
    pages.append(page())

    fallen = {
        name: (value, after.get(name))
        for before, after in pairwise(pages)
        for name, value in before.items()
        if after.get(name, -1.0) < value
    }
    assert fallen == {}
    last = pages[-1]
    total = {"jobs_total": 1.0, "work_seconds_count": 1.0, "theirs_total": 0.1}
    for family, share in total.items():
        assert sum(value for name, value in last.items() if name.startswith(f"{family}[")) == (
            THREADS * EACH * share
        )
    assert failed == []
