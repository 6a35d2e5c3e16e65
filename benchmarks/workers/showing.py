"""What pages of several workers show, of metrics of every kind, and what of it is true.

``python -m benchmarks.workers.showing VARIANT DIRECTORY``: with ``single``, what one process shows.
"""

import sys
from typing import Any
from urllib.request import Request, urlopen

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed

from benchmarks.workers.child import OURS, SINGLE, serve
from benchmarks.workers.crew import Crew
from observekit import setup

_WORKERS = 8
_KILLED = 7
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"

# Made before setup(), as by a library that is imported first.
ORDERS = Counter("orders", "Orders.")
BAKING = Histogram("baking_seconds", "Time.")
SIZE = Summary("size", "Size.")
OPEN = Gauge("open_orders", "Orders that are open.", multiprocess_mode="livesum")
STATE = Enum("oven", "State.", states=["cold", "hot"])
BUILD = Info("build", "Build.")


class Collector:
    """A collector of a service's own."""

    def collect(self) -> Any:
        """Yield its family."""
        yield GaugeMetricFamily("queue_length", "Always seven.", value=7)


def work() -> None:
    """Use all of it once."""
    ORDERS.inc(1, exemplar={"trace_id": "abc"})
    BAKING.observe(0.5)
    SIZE.observe(3)
    OPEN.set(1)
    STATE.state("hot")
    BUILD.info({"version": "1"})


class Service:
    """A parent that counts, and its children."""

    def __init__(self, variant: str) -> None:
        REGISTRY.register(Collector())
        self._port = setup(logs="off", traces=False, ops_port=0).ops_port if variant == OURS else None
        self._variant = variant
        self.crew = Crew(0 if variant == SINGLE else _WORKERS - 1, work)
        work()

    def shown(self) -> dict[str, Any]:
        """Return the families, and whether there is an exemplar."""
        page = self._page()
        return {"families": sorted(one.name for one in parsed(page)), "exemplars": 'trace_id="abc"' in page}

    def kill(self) -> dict[str, float]:
        """Kill all children; return what is then said of orders, and of open ones, of which there is one."""
        self.crew.kill(_KILLED)
        samples = {sample.name: sample.value for one in parsed(self._page()) for sample in one.samples}
        return {"orders": samples["orders_total"], "open": samples["open_orders"]}

    def _page(self) -> str:
        if self._port is not None:
            request = Request(f"http://127.0.0.1:{self._port}/metrics", headers={"accept": _OPENMETRICS})
            with urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own port
                return str(answer.read().decode())
        if self._variant == SINGLE:
            return str(generate_latest(REGISTRY).decode())
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return str(generate_latest(registry).decode())


def main() -> None:
    """Answer what is shown, and what is true after a kill."""
    service = Service(sys.argv[1])
    serve({"shown": service.shown, "kill": service.kill})
    service.crew.end()


if __name__ == "__main__":
    main()
