"""CPU time to read headers of trace context that somebody has made to cost time, beside OpenTelemetry's own.

``python -m benchmarks.hostile ROUNDS``: each set of headers in another order each round.
"""

import logging
import sys
from collections.abc import Callable
from random import Random
from time import process_time
from typing import Final

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from benchmarks.child import Measured, tell
from observekit.traces.propagation import HeaderGetter, propagator

_SEED: Final = 20_26
_CALLS: Final = 50
_MICROSECONDS: Final = 1e6
# Source: the head of a request has 64 KiB at most in uvicorn with httptools, and less elsewhere.
_MOST: Final = 64 * 1024
_PARENT: Final = "00-12345678901234567890123456789012-1234567890123456-01"

HEADERS: Final[dict[str, dict[str, list[str]]]] = {
    "ordinary": {
        "traceparent": [_PARENT],
        "tracestate": ["vendor=1,other=2"],
        "baggage": ["tenant=acme,plan=gold"],
    },
    "long": {"traceparent": [_PARENT + "-" + "x" * _MOST]},
    "twice": {"traceparent": [_PARENT] * 500},
    "members": {"traceparent": [_PARENT], "tracestate": [",".join(f"k{n}=1" for n in range(5000))]},
    "commas": {"baggage": ["," * 8190]},
    "white": {"baggage": ["a=1" + " \t" * 4000 + "x"]},
    "percent": {"baggage": ["a=" + "%E2%82%AC" * 900]},
    "pairs": {"baggage": [",".join(f"key{n}=v" for n in range(900))]},
}
"""Sets of headers by their name, the first as they are meant to be."""


def _time(words: TextMapPropagator, headers: dict[str, list[str]]) -> float:
    getter = HeaderGetter()
    started = process_time()
    for _ in range(_CALLS):
        words.extract(headers, Context(), getter)
    return (process_time() - started) / _CALLS * _MICROSECONDS


def main() -> None:
    """Measure as often as the argument says."""
    # What OpenTelemetry writes into the log about them is its own cost; where it goes is not.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    theirs = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    ours = propagator(("tracecontext", "baggage"))
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    rows: dict[str, Callable[[], float]] = {}
    for name, headers in HEADERS.items():
        rows[f"{name}-ours"] = lambda headers=headers: _time(ours, headers)  # type: ignore[misc]  # bound now
        rows[f"{name}-otel"] = lambda headers=headers: _time(theirs, headers)  # type: ignore[misc]  # bound now
    found: Measured = {name: [] for name in rows}
    for number in range(int(sys.argv[1]) + 1):  # The first to warm up.
        for name in order.sample(list(rows), len(rows)):
            taken = rows[name]()
            if number:
                found[name].append(taken)
    tell(found)


if __name__ == "__main__":
    main()
