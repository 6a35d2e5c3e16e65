"""``observekit demo``: a shop of three services under traffic, and what its operator sees."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from observekit.cli.exits import FINE
from observekit.errors import MissingExtraError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_NEEDED: Final = {
    "fastapi": "fastapi",
    "httpx": "httpx",
    "opentelemetry.instrumentation.httpx": "opentelemetry-instrumentation-httpx",
    "opentelemetry.proto": "opentelemetry-proto",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}
"""What the demo imports or runs beyond observekit's own dependencies, and the package it comes with."""

_ABOUT: Final = """\
Start a shop of three services on this machine (storefront, orders, inventory;
Starlette, FastAPI and SQLite), send traffic to it, and show what its operator
sees: rate, errors and latency of each route, read from the services' /metrics
pages; one failing request as a trace through all three, with its log lines;
and the health of each service.

Ctrl-C ends it; so does --seconds. All of it listens on 127.0.0.1 only.
"""
_LAST_PORT: Final = 65_000


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "demo",
        help="run a shop of three services and watch it",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser)
    parser.set_defaults(run=run)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="N",
        help="end after N seconds of traffic; unless given, at Ctrl-C on a terminal and after 30 s elsewhere",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        metavar="BASE",
        help="first port to try; a taken one is passed over, and said so (default: %(default)s)",
    )
    parser.add_argument(
        "--logs",
        type=Path,
        metavar="DIR",
        help="write the services' log lines to DIR; unless given, to a directory that is removed at the end",
    )
    parser.add_argument(
        "--prometheus",
        action="store_true",
        help="let the prometheus on PATH scrape the shop, and ask it for the rate of each route at the end",
    )


def run(options: argparse.Namespace) -> int:
    """Play the demo.

    Raises:
        MissingExtraError: If a package that it needs is not installed.
    """
    missing = sorted(_missing())
    if missing:
        raise MissingExtraError(
            f"the demo needs {', '.join(missing)}. Install what it needs with: pip install 'observekit[demo]'"
        )
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        from observekit.cli.demo.play import play  # noqa: PLC0415 -- imports what only the extra brings

        return asyncio.run(play(options))
    return FINE


def _missing() -> Iterator[str]:
    for module, package in _NEEDED.items():
        try:
            found = find_spec(module) is not None
        except ImportError:  # A package above it is missing too.
            found = False
        if not found:
            yield package


def _seconds(text: str) -> float:
    seconds = float(text)
    # Not a number compares false to everything.
    if not 1 <= seconds <= 86_400:  # noqa: PLR2004 -- a day
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to 86400")
    return seconds


_seconds.__name__ = "number of seconds"  # What argparse calls it where float() refuses the text.


def _port(text: str) -> int:
    port = int(text)
    if not 1024 <= port <= _LAST_PORT:  # noqa: PLR2004 -- below are privileged ports
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1024 to {_LAST_PORT}")
    return port


_port.__name__ = "port"
