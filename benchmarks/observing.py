"""CPU time of one observation and of one log line, beside the client library's and structlog's own.

``python -m benchmarks.observing ROUNDS``: all in one process, each round in another order.
"""

import logging
import sys
from collections.abc import Callable
from random import Random
from time import process_time
from typing import Any

import loguru
import orjson
import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import CollectorRegistry, Histogram
from pythonjsonlogger.json import JsonFormatter

from benchmarks.child import Measured, tell
from benchmarks.drive import flushed, lost
from observekit import get_logger, setup
from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.metrics.store import Store

_CALLS = 20_000
_SEED = 20_26
_MICROSECONDS = 1e6
_BUFFER_BYTES = 1 << 28
_SECONDS = 0.0123
_LABELS = ("GET", "/items/{id}", "200")
_SECRET = "hunter2"  # noqa: S105 -- planted
_DSN = "postgres://ann:hunter2@db.internal:5432/shop"
_CALLER = SpanContext(0xABC1, 0xDEF2, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

Action = Callable[[], object]


def observations() -> dict[str, Action]:
    """Return ways to file one observation in 14 buckets with three labels."""
    spec = REQUEST_DURATION
    family = Store(series_limit=2000).histogram(spec)
    theirs = Histogram(spec.name, spec.help, spec.labels, buckets=spec.buckets, registry=CollectorRegistry())
    cell, child = family.cell(*_LABELS), theirs.labels(*_LABELS)
    return {
        "observe-cell": lambda: cell.observe(_SECONDS),
        "observe-family": lambda: family.cell(*_LABELS).observe(_SECONDS),
        "observe-child": lambda: child.observe(_SECONDS),
        "observe-labels": lambda: theirs.labels(*_LABELS).observe(_SECONDS),
    }


def lines() -> dict[str, Action]:
    """Return ways to log; observekit's with the ids of a trace and redaction, on its own thread."""
    # Lines come faster than they are written; what is dropped would cost nothing.
    setup(service_name="bench", traces=False, log_format="json", log_buffer_bytes=_BUFFER_BYTES)
    ours = get_logger("orders").bind(tenant="a-tenant")
    theirs = structlog.wrap_logger(
        structlog.BytesLogger(sys.stdout.buffer),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind(tenant="a-tenant", logger="orders", service="bench")
    stdlib, loguru = _stdlib(), _loguru()
    extra = {"order": "o-1837", "items": 3, "total": 12.5}
    secrets = {"user": "ann", "password": _SECRET, "dsn": _DSN, "header": "Bearer x-1837-abcdef"}
    return {
        "line-ours": lambda: ours.info("order.placed", order="o-1837", items=3, total=12.5),
        "line-structlog": lambda: theirs.info("order.placed", order="o-1837", items=3, total=12.5),
        # A key and a text with a secret each, and an exception's message is no different.
        "redacted-ours": lambda: ours.info("login.failed", **secrets),
        "redacted-structlog": lambda: theirs.info("login.failed", **secrets),
        "redacted-stdlib": lambda: stdlib.info("login.failed", extra=secrets),
        "redacted-loguru": lambda: loguru.info("login.failed", **secrets),
        "line-stdlib": lambda: stdlib.info("order.placed", extra=extra),
        "line-loguru": lambda: loguru.info("order.placed", order="o-1837", items=3, total=12.5),
        "filtered-ours": lambda: ours.debug("order.placed", order="o-1837", items=3),
        "filtered-structlog": lambda: theirs.debug("order.placed", order="o-1837", items=3),
    }


def _stdlib() -> logging.Logger:
    """Return a logger of logging as people set it up for JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("bench.stdlib")
    logger.addHandler(handler)
    logger.propagate = False
    return logger


def _loguru() -> Any:
    """Return loguru's logger, which writes JSON."""
    loguru.logger.remove()
    loguru.logger.add(sys.stdout, serialize=True, level="INFO")
    return loguru.logger


def _time(action: Action) -> float:
    """Return the CPU microseconds of a call, those of all threads until they rest included."""
    started = process_time()
    for _ in range(_CALLS):
        action()
    flushed(_nothing)
    return (process_time() - started) / _CALLS * _MICROSECONDS


def _nothing() -> None:
    """Ask for nothing: the thread that writes lines writes them by itself."""


def main() -> None:
    """Measure as many rounds as the argument says."""
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    actions = observations() | lines()
    found: Measured = {name: [] for name in actions}
    with trace.use_span(NonRecordingSpan(_CALLER)):
        for name in order.sample(list(actions), len(actions)):
            _time(actions[name])  # Warm.
        for _ in range(int(sys.argv[1])):
            for name in order.sample(list(actions), len(actions)):
                found[name].append(_time(actions[name]))
    if lost():
        raise RuntimeError(f"{lost()} lines were lost, and cost nothing.")
    tell(found)


if __name__ == "__main__":
    main()
