"""What a scrape does to the event loop: its worst turn, and the wait of requests that come meanwhile.

``python -m benchmarks.holding LINES ROUNDS PUT``, with what puts so many lines into a registry, such as
``client_metrics``: Prometheus's own request headers, a request each millisecond,
one loop. In each round nobody scrapes, then prometheus-client's ASGI application is scraped, then ours.
"""

import asyncio
import gc
import sys
from asyncio import events
from collections.abc import Awaitable, Callable
from time import perf_counter, thread_time
from typing import Any

from prometheus_client import CollectorRegistry, make_asgi_app

from benchmarks import series
from benchmarks.app import application
from benchmarks.child import Measured, tell
from benchmarks.series import Change
from observekit import instrument
from observekit.asgi import ASGIApp, Message, Scope
from observekit.metrics.kept import KEEP_SECONDS

_MILLISECONDS = 1e3
_EVERY_SECONDS = 0.001
_IDLE_SECONDS = 0.25
# Source: the headers of Prometheus 3.
_ACCEPT = (
    b"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    b"application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    b"text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
_HEADERS = [(b"accept", _ACCEPT), (b"accept-encoding", b"gzip")]


class Turns:
    """The longest callback that the loop has run, which is how long it was held.

    In CPU time of its thread: what other processes take of the machine is nobody's turn.
    """

    def __init__(self) -> None:
        self._worst = 0.0
        run = events.Handle._run  # noqa: SLF001 -- what asyncio's own loop calls for each callback

        def timed(handle: Any) -> None:
            started = thread_time()
            run(handle)
            self._worst = max(self._worst, thread_time() - started)

        events.Handle._run = timed  # type: ignore[method-assign,assignment]  # noqa: SLF001

    def take(self) -> float:
        """Return the longest so far, and begin anew."""
        worst, self._worst = self._worst, 0.0
        return worst


class Requests:
    """A request each millisecond, and how long after its millisecond each was answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def during(self, scrape: Awaitable[object]) -> list[float]:
        """Return the seconds of each request that came while *scrape* went on."""
        scraping = asyncio.ensure_future(scrape)
        waits: list[float] = []
        running: set[asyncio.Task[None]] = set()
        due = perf_counter()
        # Not a timer, which asyncio rounds up to the next millisecond: the loop turns all the time.
        while not scraping.done():
            while due <= perf_counter():
                running.add(asyncio.create_task(self._one(due, waits)))
                due += _EVERY_SECONDS
            await asyncio.sleep(0)
        await asyncio.gather(scraping, *running)
        return waits

    async def _one(self, due: float, waits: list[float]) -> None:
        await get(self._app, "/empty")
        waits.append(perf_counter() - due)


async def get(app: ASGIApp, path: str) -> None:
    """Make one request, and throw the answer away."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": _HEADERS,
        "client": ("127.0.0.1", 41234),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    await app(scope, _receive, _send)


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message) -> None:
    if message.get("status", 200) != 200:
        raise RuntimeError(f"answered {message['status']}")


async def measure(lines: int, rounds: int, put: Callable[[CollectorRegistry, int], Change]) -> Measured:
    """Measure in one process, one after another; before each scrape every series gets another value."""
    theirs, registry = CollectorRegistry(), CollectorRegistry()
    changes = put(theirs, lines), put(registry, lines)
    app = application()
    instrument(app, service_name="bench", registry=registry, traces=False, runtime=False)
    client_app, requests, turns = make_asgi_app(theirs), Requests(app), Turns()
    situations: dict[str, Callable[[], Awaitable[object]]] = {
        "idle": lambda: asyncio.sleep(_IDLE_SECONDS),
        "client": lambda: get(client_app, "/metrics"),
        "ours": lambda: get(app, "/metrics"),
    }
    found: Measured = {}
    for number in range(rounds + 1):
        for name, scrape in situations.items():
            for change in changes:
                change()
            gc.collect()
            await asyncio.sleep(0)  # So that the collection is not part of the first turn.
            turns.take()
            waits = sorted(await requests.during(scrape()))
            if number:  # The first is to warm up.
                for what, seconds in _facts(waits, turns.take()).items():
                    found.setdefault(f"{name}-{what}", []).append(seconds * _MILLISECONDS)
        await asyncio.sleep(KEEP_SECONDS)  # A page is given again until it is that old.
    return found


def _facts(waits: list[float], worst_turn: float) -> dict[str, float]:
    return {
        "turn": worst_turn,
        "wait": waits[len(waits) // 2] if waits else 0.0,
        "worst": waits[-1] if waits else 0.0,
    }


if __name__ == "__main__":
    tell(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]), getattr(series, sys.argv[3]))))
