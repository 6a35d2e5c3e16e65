"""The servers: how each is started with several workers, by nothing but its own command line."""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

WORKERS: Final = 3

ASGI: Final = "tests.servers_workers.apps.asgi_shop:app"
WSGI: Final = "tests.servers_workers.apps.wsgi_shop:app"


class Server(NamedTuple):
    """A server with its workers.

    Attributes:
        needs: Packages that must be installed.
        command: The arguments for Python, from the port and a directory of its own.
        wsgi: Whether it speaks WSGI, so that metrics are on the ops port alone.
        preloads: Whether the parent loads the application before it forks, and so is one of them.
        workers: How many it starts.
        restarts: Whether it replaces a worker that was killed.
    """

    needs: tuple[str, ...]
    command: Callable[[int, Path], list[str]]
    wsgi: bool = False
    preloads: bool = False
    workers: int = WORKERS
    restarts: bool = True

    @property
    def processes(self) -> int:
        """How many processes count."""
        return self.workers + self.preloads

    def missing(self) -> str:
        """Return which package is missing, if one is."""
        return next((name for name in self.needs if find_spec(name) is None), "")


def _uvicorn(*arguments: str) -> Callable[[int, Path], list[str]]:
    usual = ["-m", "uvicorn", ASGI, "--no-access-log", "--log-level", "warning"]
    return lambda port, _: [*usual, "--port", str(port), *arguments]


def _reload(port: int, directory: Path) -> list[str]:
    Path(directory, "edited.py").touch()
    return _uvicorn("--reload", "--reload-dir", str(directory), "--reload-delay", "0.05")(port, directory)


def _gunicorn(app: str, *arguments: str) -> Callable[[int, Path], list[str]]:
    usual = ["-m", "gunicorn", app, "--log-level", "warning", "--workers", str(WORKERS)]
    return lambda port, _: [*usual, "--bind", f"127.0.0.1:{port}", *arguments]


def _hypercorn(port: int, _: Path) -> list[str]:
    return ["-m", "hypercorn", ASGI, "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]


def _granian(port: int, _: Path) -> list[str]:
    usual = ["-m", "granian", ASGI, "--interface", "asgi", "--no-access-log", "--port", str(port)]
    return [*usual, "--workers", str(WORKERS), "--respawn-failed-workers", "--respawn-interval", "0.1"]


ALONE: Final = Server(("uvicorn",), _uvicorn(), workers=1, restarts=False)
"""One process that serves by itself."""

_ASGI_WORKER = ("gunicorn", "gunicorn.workers.gasgi") if find_spec("gunicorn") else ("gunicorn",)

SERVERS: Final[dict[str, Server]] = {
    "uvicorn-h11": Server(("uvicorn", "h11"), _uvicorn("--workers", str(WORKERS), "--http", "h11")),
    "uvicorn-httptools": Server(
        ("uvicorn", "httptools"), _uvicorn("--workers", str(WORKERS), "--http", "httptools")
    ),
    "uvicorn-reload": Server(("uvicorn",), _reload, workers=1, restarts=False),
    "gunicorn-sync": Server(("gunicorn",), _gunicorn(WSGI), wsgi=True),
    "gunicorn-sync-preload": Server(("gunicorn",), _gunicorn(WSGI, "--preload"), wsgi=True, preloads=True),
    "gunicorn-gthread": Server(("gunicorn",), _gunicorn(WSGI, "--threads", "4"), wsgi=True),
    "gunicorn-gthread-preload": Server(
        ("gunicorn",), _gunicorn(WSGI, "--threads", "4", "--preload"), wsgi=True, preloads=True
    ),
    "gunicorn-uvicorn": Server(
        ("gunicorn", "uvicorn_worker"), _gunicorn(ASGI, "-k", "uvicorn_worker.UvicornWorker")
    ),
    "gunicorn-uvicorn-preload": Server(
        ("gunicorn", "uvicorn_worker"),
        _gunicorn(ASGI, "-k", "uvicorn_worker.UvicornWorker", "--preload"),
        preloads=True,
    ),
    "gunicorn-asgi": Server(_ASGI_WORKER, _gunicorn(ASGI, "-k", "asgi")),
    "gunicorn-asgi-preload": Server(_ASGI_WORKER, _gunicorn(ASGI, "-k", "asgi", "--preload"), preloads=True),
    # hypercorn ends all workers when one is killed.
    "hypercorn": Server(("hypercorn",), _hypercorn, restarts=False),
    "granian": Server(("granian",), _granian),
}


IS_LONG: Final = "TEST_EVERY_SERVER" in os.environ
"""Whether all tests are done with every server, as ``python -m tests.servers_workers`` has it."""

# uvicorn's parsers, and with and without --preload for each of gunicorn's workers: one of them will do.
_ALIKE: Final = {"uvicorn-httptools", "gunicorn-sync-preload", "gunicorn-gthread", "gunicorn-asgi"}

EACH: Final = sorted(SERVERS if IS_LONG else SERVERS.keys() - _ALIKE)
"""One of each kind of server: spawned, forked, forked after set-up, and by multiprocessing's fork."""


def some(name: str, *, restarts: bool = False, wsgi: bool = True) -> list[str]:
    """Return the server *name*, and in the long form all that replace workers, or measure requests."""
    found = [
        other
        for other, server in sorted(SERVERS.items())
        if server.restarts >= restarts and server.wsgi <= wsgi
    ]
    return found if IS_LONG else [name]


def command(server: Server, port: int, directory: Path) -> list[str]:
    """Return the whole command."""
    return [sys.executable, *server.command(port, directory)]
