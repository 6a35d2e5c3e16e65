"""A collector that says yes to everything, and counts spans when it is asked.

Runs in a process of its own, so that its work is nobody else's cost. ``POST /NAME/v1/traces`` is kept,
``GET /NAME`` answers how many spans came under that name since it was asked last.
"""

import asyncio
import socket
import sys
from collections import defaultdict
from importlib import import_module

_GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


class Sink:
    """What came in, by name."""

    def __init__(self) -> None:
        self._bodies: defaultdict[str, list[bytes]] = defaultdict(list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                body = await reader.readexactly(_length(head))
                writer.write(self._answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, head: str, body: bytes) -> bytes:
        method, path = head.split(" ", 2)[:2]
        name = path.split("/")[1]
        if method == "post":
            self._bodies[name].append(body)
            return _GOOD
        told = str(sum(map(_spans, self._bodies.pop(name, [])))).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(told), told)


def _length(head: str) -> int:
    _, found, rest = head.partition("\r\ncontent-length:")
    return int(rest.partition("\r\n")[0]) if found else 0


def _spans(body: bytes) -> int:
    service = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    request = service.ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


async def main() -> None:
    """Serve on the socket whose descriptor is the argument."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    server = await asyncio.start_server(Sink().serve, sock=listening, limit=1 << 26)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
