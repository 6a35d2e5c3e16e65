"""Ports on the loopback interface that are listened on before anybody is told of them."""

import socket
from typing import Final

from observekit.errors import ObservekitError

LOOPBACK: Final = "127.0.0.1"
_TRIES: Final = 100
_BACKLOG: Final = 128


def listen(first: int) -> socket.socket:
    """Return a socket that listens on *first*, or on the next port above it that is free.

    It is handed to the service as it is, so that nobody can take the port in between.

    Raises:
        ObservekitError: If a hundred ports in a row are taken.
    """
    for port in range(first, first + _TRIES):
        listening = _try(port)
        if listening is not None:
            return listening
    raise ObservekitError(f"port {first} and the {_TRIES - 1} above it are taken. Choose others with --port.")


def free_port(first: int) -> int:
    """Return *first* or the next free port above it, for a program that takes no socket."""
    with listen(first) as listening:
        port: int = listening.getsockname()[1]
        return port


def _try(port: int) -> socket.socket | None:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it. asyncio does not set it on what comes from a descriptor, and every second
        # request on a connection would wait 40 ms for the acknowledgement of the first.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((LOOPBACK, port))
        # At once: until one listens, two may be bound to the same port.
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        return None
    return listening
