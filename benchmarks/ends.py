"""How long the end of all telemetry takes with 2,048 spans, beside collectors that do not take them.

``python -m benchmarks.ends TIMES``: as many ends of ours as that beside each collector, and one of the SDK's
own beside one that never answers.
"""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import Final

from opentelemetry import trace

from benchmarks.child import Measured, tell
from benchmarks.spans import kit_of, make, theirs

_PIECE: Final = 65536
_DRIP_SECONDS: Final = 0.05

Act = Callable[[socket.socket, Event], None]


def _silent(connection: socket.socket, _: Event) -> None:
    """Read everything, and never answer."""
    while connection.recv(_PIECE):
        """All of it."""


def _dripping(connection: socket.socket, over: Event) -> None:
    """Answer a byte at a time, without an end."""
    Thread(target=_silent, args=(connection, over), daemon=True).start()
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while not over.wait(_DRIP_SECONDS):
        connection.sendall(b"x")


def _stalled(_: socket.socket, over: Event) -> None:
    """Read nothing at all."""
    over.wait()


@contextmanager
def _refused() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield _url(port)


@contextmanager
def _answered(act: Act) -> Iterator[str]:
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # So that what is sent does not fit into what the system holds.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        Thread(target=_accept, args=(listening, act, over), daemon=True).start()
        try:
            yield _url(listening.getsockname()[1])
        finally:
            over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, act: Act, over: Event) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            Thread(target=_act, args=(connection, act, over), daemon=True).start()


def _act(connection: socket.socket, act: Act, over: Event) -> None:
    with suppress(OSError), connection:
        act(connection, over)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1/traces"


_COLLECTORS: Final[dict[str, Callable[[], AbstractContextManager[str]]]] = {
    "refused": _refused,
    "silent": partial(_answered, _silent),
    "dripping": partial(_answered, _dripping),
    "stalled": partial(_answered, _stalled),
}


def ends(times: int) -> Measured:
    """Return the seconds that the end takes beside each collector."""
    found: Measured = {f"end-{name}": [] for name in _COLLECTORS}
    for _ in range(times):
        for name, collector in _COLLECTORS.items():
            with collector() as url:
                kit = kit_of(url)
                make(trace.get_tracer("ends"))
                started = monotonic()
                kit.shutdown()
                found[f"end-{name}"].append(monotonic() - started)
    return found


def end_of_sdk() -> Measured:
    """Return the seconds that the end of the SDK's provider takes beside a collector that never answers."""
    with _answered(_silent) as url:
        provider = theirs(url)
        make(provider.get_tracer("ends"))
        started = monotonic()
        provider.shutdown()
        return {"end-sdk": [monotonic() - started]}


def main() -> None:
    """Measure as often as the argument says."""
    tell(ends(int(sys.argv[1])) | end_of_sdk())


if __name__ == "__main__":
    main()
