"""A sink that answers word for word what a test has written down, over bare sockets."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Event, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LONG = 30.0
"""Seconds that nothing in these tests takes."""

Act = Callable[["Visitor"], None]
"""What is done with one request; whoever returns leaves the connection open."""

TAKEN = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


class Visitor:
    """One request, and the connection it came over."""

    def __init__(self, connection: socket.socket, body: bytes, released: Event) -> None:
        self.connection = connection
        self.body = body
        self.released = released

    def say(self, words: bytes) -> None:
        self.connection.sendall(words)


def say(words: bytes) -> Act:
    """Answer *words*, and nothing else."""
    return lambda visitor: visitor.say(words)


def hang_up(words: bytes = b"") -> Act:
    """Answer *words*, and end the connection."""

    def act(visitor: Visitor) -> None:
        visitor.say(words)
        visitor.connection.shutdown(socket.SHUT_RDWR)

    return act


def silent(visitor: Visitor) -> None:
    """Never answer."""
    visitor.released.wait(LONG)


def drip(words: bytes, pause: float = 0.01) -> Act:
    """Answer *words*, a byte at a time, and then spaces for ever."""

    def act(visitor: Visitor) -> None:
        for byte in words:
            visitor.say(bytes([byte]))
            visitor.released.wait(pause)
        while not visitor.released.wait(pause):
            visitor.say(b" ")

    return act


class Sink:
    """Takes OTLP over HTTP; each request is answered by the next act of the script, then by *after*."""

    def __init__(
        self,
        *script: Act,
        after: Act = say(TAKEN),  # noqa: B008 -- constant
        port: int = 0,
        secured: ssl.SSLContext | None = None,
    ) -> None:
        self._secured = secured
        self._script = list(script)
        self._after = after
        self._changed = Condition()
        self._released = Event()
        self.sizes: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.batches: list[list[str]] = []
        self.instances: set[str] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def endpoint(self) -> str:
        scheme = "http" if self._secured is None else "https"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/v1/traces"

    def spans(self) -> list[str]:
        """Return the names of all spans that came, however they were answered."""
        return [name for batch in self.batches for name in batch]

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait until *condition* holds, which is looked at whenever a request was read."""
        with self._changed:
            return self._changed.wait_for(condition, LONG)

    def release(self) -> None:
        """End what is silent or slow."""
        self._released.set()

    def stop(self) -> None:
        self.release()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(LONG)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._threads.append(Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._secured is not None:
                connection = self._secured.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (body := _read(stream)) is not None:
                self._note(body)
                act = self._script.pop(0) if self._script else self._after
                act(Visitor(connection, body, self._released))
                self.at_once -= 1

    def _note(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        scopes = [scope for group in request.resource_spans for scope in group.scope_spans]
        known = [one for group in request.resource_spans for one in group.resource.attributes]
        self.instances |= {one.value.string_value for one in known if one.key == "service.instance.id"}
        with self._changed:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.sizes.append(len(body))
            self.batches.append([span.name for scope in scopes for span in scope.spans])
            self._changed.notify_all()


def _read(stream: Any) -> bytes | None:
    length, line = 0, stream.readline()
    if not line:
        return None
    while line not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        line = stream.readline()
    body: bytes = stream.read(length)
    return body


@contextmanager
def sink_of(*script: Act, **more: Any) -> Iterator[Sink]:
    sink = Sink(*script, **more)
    try:
        yield sink
    finally:
        sink.stop()
