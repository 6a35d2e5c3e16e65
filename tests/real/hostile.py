"""A service whose metrics are full of what spoils a page: texts, numbers, and collectors of all kinds."""

import math
import threading
from collections.abc import Iterator

from fastapi import FastAPI
from opentelemetry import metrics
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from observekit import instrument

TEXTS = [
    "\ud800 alone",
    "nul \x00",
    'quote " and \\ and \\n',
    "line\nbreak\r\n",
    "\u2028separator",
    "\x85next",
    "é" * 100_000,
    "",
    '"} 1\nforged 1',
]

app = FastAPI()
instrument(app)

texts = Counter("hostile_texts", 'Texts " of \\ all\nkinds.', ["text"])
numbers = Gauge("hostile_numbers", "Numbers of all kinds.", ["number"])
observed = Histogram("hostile_seconds", "Observations of all kinds.")
healthy = Counter("healthy", "What must be on the page whatever else is.")
healthy.inc(7)
for text in TEXTS:
    texts.labels(text).inc()
for number in (0.0, -0.0, 5e-324, 1e308, -1e308, math.inf, -math.inf, math.nan):
    numbers.labels(repr(number)).set(number)
    observed.observe(number)
attributed = metrics.get_meter("hostile").create_counter("hostile.attributes")
for text in TEXTS:
    attributed.add(1, {"text": text, "of \n any": 5})


class Raises:
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("before_the_end", "Lost with what comes after it.", 1)
        raise RuntimeError("broken")


class Hangs:
    def collect(self) -> list[Metric]:
        if threading.current_thread() is not threading.main_thread():  # Not where it is registered.
            threading.Event().wait()
        return []


class Repeats:
    def collect(self) -> Iterator[Metric]:
        if threading.current_thread() is not threading.main_thread():
            yield CounterMetricFamily("healthy", "A name that another has.", 99)


class Nameless:
    def collect(self) -> Iterator[Metric]:
        if threading.current_thread() is not threading.main_thread():
            found = GaugeMetricFamily("nameless", "It has no name that a page could show.", 1)
            found.name = math.nan  # type: ignore[assignment]
            yield found


for collector in (Hangs(), Repeats(), Nameless()):
    REGISTRY.register(collector)
REGISTRY._collector_to_names[Raises()] = ["before_the_end"]


@app.get("/items/{item}")
async def item(item: str) -> dict[str, str]:
    return {"item": item}
