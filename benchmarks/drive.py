"""Drives one row in this process with bare ASGI messages, and says what that cost.

Reads numbers of requests from standard input, and answers each with a line of JSON on standard error:
standard output belongs to the variant.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from itertools import count
from random import Random
from time import process_time, sleep

from opentelemetry import trace
from prometheus_client.registry import REGISTRY

from benchmarks.choice import QUEUE_SIZE, Choice, build
from benchmarks.processes import endpoint
from benchmarks.rows import BY_NAME, Caller, Row
from observekit.asgi import ASGIApp, Message, Scope

HEADERS = [
    (b"host", b"shop.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-request-id", b"5f0c6f0e-8a3b-4a55-9b0e-2f4d0a6f6f11"),
]
_FLAGS: dict[Caller, str] = {"sampled": "01", "unsampled": "00"}
_LOSSES = (
    "observekit_log_records_dropped_total",
    "observekit_spans_dropped_total",
    "observekit_internal_errors_total",
)
_QUIET_SECONDS = 0.05
_QUIET_CPU_SECONDS = 0.0002


class Driver:
    """Sends the requests of a row to an application."""

    def __init__(self, app: ASGIApp, row: Row) -> None:
        self._app = app
        self._path = row.path
        self._headers = _headers(row.caller)
        self._numbers = count()
        self.good = 0

    async def run(self, requests: int) -> None:
        """Send *requests* requests one after another, each in a task of its own as servers do."""
        loop = asyncio.get_running_loop()
        for _ in range(requests):
            await loop.create_task(self._request())

    async def _request(self) -> None:
        await self._app(self._scope(next(self._numbers)), self._receive, self._send)

    def _scope(self, number: int) -> Scope:
        path = self._path.format(number % 1000)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": self._headers[number % len(self._headers)].copy(),
            "client": ("127.0.0.1", 41234),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self.good += 1


def _headers(caller: Caller) -> list[list[tuple[bytes, bytes]]]:
    if caller == "nobody":
        return [HEADERS]
    ids = Random(1)  # noqa: S311 -- the same ids in every process
    return [
        [
            *HEADERS,
            (
                b"traceparent",
                f"00-{ids.getrandbits(128):032x}-{ids.getrandbits(64):016x}-{_FLAGS[caller]}".encode(),
            ),
        ]
        for _ in range(256)
    ]


def flushed(flush: Callable[[], object]) -> None:
    """Export what waits, and return when no thread has anything left to do."""
    flush()
    before = process_time()
    while True:
        sleep(_QUIET_SECONDS)
        now = process_time()
        if now - before < _QUIET_CPU_SECONDS:
            return
        before = now


def flush() -> None:
    """Export all spans that have ended, where there are any."""
    force = getattr(trace.get_tracer_provider(), "force_flush", None)
    if force is not None:
        force()


def lost() -> float:
    """Return how much observekit dropped or got wrong, which must be nothing."""
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name in _LOSSES)


def main() -> None:
    """Serve the row and the sink that the arguments name."""
    row = BY_NAME[sys.argv[1]]
    choice = Choice(endpoint(sys.argv[2], row.name), row.ratio, QUEUE_SIZE)
    loop = asyncio.new_event_loop()
    driver = Driver(build(row.variant, choice), row)
    for line in sys.stdin:
        requests = int(line)
        driver.good = 0
        gc.collect()
        started = process_time()
        loop.run_until_complete(driver.run(requests))
        flushed(flush)
        seconds = process_time() - started
        answer = {"seconds": seconds, "good": driver.good, "lost": lost()}
        print(json.dumps(answer), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
