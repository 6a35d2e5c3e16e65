"""Servers as they are started from the command line, with access lines, and what they leave behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final

from tests.conformance.servers import free_port

HERE: Final = Path(__file__).parent
LONG: Final = 40.0
"""Seconds that nothing here takes."""
CANARY: Final = "CANARY"
"""What stands in the query of every request, and nowhere else."""
_UPGRADE: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)

Command = Callable[[int], list[str]]

_APP: Final = "application:app"
COMMANDS: Final[Mapping[str, Command]] = {
    "uvicorn": lambda port: ["uvicorn", _APP, "--port", str(port)],
    # It ends workers that are slow to answer it, as they are on a busy machine.
    "uvicorn --workers 2": lambda port: [
        *("uvicorn", _APP, "--port", str(port), "--workers", "2", "--timeout-worker-healthcheck", "40")
    ],
    "gunicorn --worker-class asgi": lambda port: _gunicorn(port, "asgi"),
    "gunicorn --worker-class uvicorn_worker.UvicornWorker": lambda port: _gunicorn(
        port, "uvicorn_worker.UvicornWorker"
    ),
    "hypercorn": lambda port: ["hypercorn", _APP, "--bind", f"127.0.0.1:{port}", "--access-logfile", "-"],
    "granian": lambda port: ["granian", "--interface", "asgi", "--port", str(port), "--access-log", _APP],
}
"""How each is started on a port."""


def _gunicorn(port: int, worker: str) -> list[str]:
    return [
        *("gunicorn", _APP, "--bind", f"127.0.0.1:{port}", "--worker-class", worker),
        *("--access-logfile", "-", "--no-control-socket"),
    ]


@dataclass(frozen=True)
class Left:
    """What a server wrote to its two streams, and the code it ended with."""

    out: list[str]
    err: list[str]
    code: int


@cache
def left_behind() -> Mapping[str, Left]:
    """Run every server once, all at the same time, and return what each left behind."""
    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        return dict(zip(COMMANDS, pool.map(_run, COMMANDS), strict=True))


def _run(name: str) -> Left:
    port = free_port()
    program, *arguments = COMMANDS[name](port)
    command = [sys.executable, "-m", program, *arguments]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    environ["PYTHONPATH"] = os.pathsep.join([str(HERE), environ.get("PYTHONPATH", "")])
    with TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(command, cwd=place, env=environ, stdout=to_out, stderr=to_err)
        try:
            _visit(port, process)
            process.terminate()
            code = process.wait(LONG)
        finally:
            process.kill()
            process.wait()
        return Left(out.read_text().splitlines(), err.read_text().splitlines(), code)


def _visit(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Ask for everything the application has, each time on a connection of its own."""
    deadline = monotonic() + LONG
    while not _status(port, "/readyz").endswith(b" 200"):
        assert process.poll() is None, "the server has ended"
        assert monotonic() < deadline, "the server does not answer"
        sleep(0.02)
    for path in ("/orders/7", "/nowhere", "/fail", "/stumble"):
        _status(port, path)
    assert _status(port, "/talk", *_UPGRADE).endswith(b" 101")
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), LONG) as connection:
        connection.sendall(f"NONSENSE /{CANARY}\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)


def _status(port: int, path: str, *headers: str) -> bytes:
    """Return the beginning of the answer to a request, nothing where there is none; wait for its end."""
    lines = [
        f"GET {path}?token={CANARY} HTTP/1.1",
        "Host: shop",
        *(headers or ("Connection: close",)),
        "",
        "",
    ]
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), LONG) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(partial(connection.recv, 65536), b""))
        return answer[: len(b"HTTP/1.1 200")]
    return b""
