"""The servers: how each is started by nothing but its own command line."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final, NamedTuple

APP: Final = "tests.drain.shop:app"
WSGI: Final = "tests.drain.shop:wsgi"
WORKERS: Final = 2


class Server(NamedTuple):
    """A server and its command for an application and a port; ``workers`` processes serve."""

    needs: tuple[str, ...]
    command: Callable[[str, int], list[str]]
    workers: int = 1

    def missing(self) -> str:
        """Return which package is missing, if one is."""
        return next((name for name in self.needs if find_spec(name) is None), "")


def _uvicorn(*arguments: str) -> Callable[[str, int], list[str]]:
    return lambda app, port: _python("uvicorn", app, "--port", str(port), "--no-access-log", *arguments)


def _gunicorn(*arguments: str) -> Callable[[str, int], list[str]]:
    return lambda app, port: _python("gunicorn", app, "--bind", f"127.0.0.1:{port}", *arguments)


def _hypercorn(*arguments: str) -> Callable[[str, int], list[str]]:
    return lambda app, port: _python("hypercorn", app, "--bind", f"127.0.0.1:{port}", *arguments)


def _granian(*arguments: str) -> Callable[[str, int], list[str]]:
    usual = ("--interface", "asgi", "--no-access-log")
    return lambda app, port: _python("granian", app, "--port", str(port), *usual, *arguments)


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


_TWO = ("--workers", str(WORKERS))

SERVERS: Final[dict[str, Server]] = {
    "uvicorn": Server(("uvicorn",), _uvicorn()),
    "uvicorn, 2 workers": Server(("uvicorn",), _uvicorn(*_TWO), WORKERS),
    "gunicorn, uvicorn workers": Server(
        ("gunicorn", "uvicorn_worker"), _gunicorn(*_TWO, "-k", "uvicorn_worker.UvicornWorker"), WORKERS
    ),
    "gunicorn, asgi workers": Server(
        ("gunicorn", "gunicorn.workers.gasgi"), _gunicorn(*_TWO, "-k", "asgi"), WORKERS
    ),
    "hypercorn": Server(("hypercorn",), _hypercorn("--workers", "0")),
    "hypercorn, 2 workers": Server(("hypercorn",), _hypercorn(*_TWO), WORKERS),
    "granian": Server(("granian",), _granian()),
    "granian, 2 workers": Server(("granian",), _granian(*_TWO), WORKERS),
}
"""What serves ASGI applications."""

SYNC: Final = Server(("gunicorn",), _gunicorn(*_TWO), WORKERS)
"""What serves WSGI applications."""
