"""Batches of lines and spans that the floor writes: mostly an append."""

import os
from collections.abc import Callable
from http.client import HTTPConnection
from queue import SimpleQueue
from threading import Event, Thread
from urllib.parse import urlsplit

from opentelemetry import trace

from benchmarks.protobuf import attribute, framed

_STDOUT = 1
_LINES = 64
_BATCH = 512


class Lines:
    """Takes lines, and writes 64 of them in one piece, here and now."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def add(self, line: bytes) -> None:
        """Take one line."""
        self._waiting.append(line)
        if len(self._waiting) >= _LINES:
            os.write(_STDOUT, b"".join(self._waiting))
            self._waiting.clear()


class Spans(trace.NoOpTracerProvider):
    """Takes encoded spans, and posts 512 of them at once, on a thread."""

    def __init__(self, endpoint: str) -> None:
        self._write = _poster(endpoint)
        self._waiting: list[bytes] = []
        self._full: SimpleQueue[tuple[list[bytes], Event | None]] = SimpleQueue()
        Thread(target=self._run, daemon=True).start()

    def add(self, span: bytes) -> None:
        """Take one span."""
        self._waiting.append(span)
        if len(self._waiting) >= _BATCH:
            self._hand_over(None)

    def force_flush(self, _: int = 30_000) -> bool:
        """Write what waits, as a tracer provider does when it is asked to."""
        done = Event()
        self._hand_over(done)
        return done.wait(30)

    def _hand_over(self, done: Event | None) -> None:
        batch, self._waiting = self._waiting, []
        self._full.put((batch, done))

    def _run(self) -> None:
        while True:
            batch, done = self._full.get()
            if batch:
                self._write(batch)
            if done is not None:
                done.set()


def _poster(endpoint: str) -> Callable[[list[bytes]], None]:
    """Return what posts a batch of encoded spans to *endpoint*."""
    url = urlsplit(endpoint)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=10)
    resource = framed(1, framed(1, attribute("service.name", "bench")))
    scope = framed(1, framed(1, b"floor"))

    def post(spans: list[bytes]) -> None:
        body = framed(1, resource + framed(2, scope + b"".join([framed(2, span) for span in spans])))
        connection.request("POST", url.path, body, {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()

    return post
