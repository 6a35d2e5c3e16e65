"""What is asked of observekit beside the cases: how often, and how much difference a test allows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .servers import SERVERS
from .test_storms import HOSTS, METHODS, MORE, PATHS
from .wire import REQUESTS

_TESTS: Final = Path(__file__).parents[1]
_APPLICATIONS_AND_LOOPS: Final = 3 * 2
"""Of test_corpus.py: bare, Starlette and FastAPI, on asyncio and trio."""
_HEAD: Final = """
## Figures of observekit alone

Each is held by the test that is named, which fails above the figure. Runs are compared with those of the
bare application: what the server gets, what the client reads, and what is raised.

| | runs | seen |
| --- | ---: | --- |
"""


def figures() -> str:
    """Return the chapter of the table."""
    return _HEAD + "".join(
        f"| {what} (`{test}`) | {runs:,} | {seen} |\n" for what, test, runs, seen in _rows()
    )


def _rows() -> Iterator[tuple[str, str, int, str]]:
    none = "0 differences"
    for what, test, times in (
        ("scopes and bytes of any shape, in process", "http/test_corpus.py", _APPLICATIONS_AND_LOOPS),
        ("responses in any order of messages", "http/test_transparency.py", 1),
        ("WebSocket connections in any order of messages", "http/websockets/test_websocket_orders.py", 1),
        ("requests of any bytes, on each of the servers", "conformance/test_bytes.py", len(SERVERS)),
    ):
        yield what, test, _examples(test) * times, none
    yield "kinds of requests, on each of the servers", "conformance/test_bytes.py", kinds(), none
    storm = PATHS + 2 * METHODS + 2 * HOSTS
    most = f"at most {MORE} series more in any family"
    yield "storm of invented paths, methods and hosts", "conformance/test_storms.py", storm, most


def kinds() -> int:
    """Return how many exchanges on the wire are compared."""
    return len(REQUESTS) * len(SERVERS)


def _examples(test: str) -> int:
    (found,) = re.findall(r"max_examples=often\((\d+)\)", (_TESTS / test).read_text())
    return int(found)
