"""The long form of what test_correlation.py holds: lines of many requests, joined with canonical events.

``python -m tests.logs.joins --requests 50000`` sends them, a thousand at once, and exits with 1 if a line
has the ids of another request, or none.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from tempfile import TemporaryFile
from typing import Any, Final

from observekit import instrument
from tests.logs.crossing import WAYS, application, ask

AT_ONCE: Final = 1000
_IDS: Final = ("trace_id", "span_id", "trace_flags")
_EVENTS: Final = frozenset({"http.request", "websocket.connection"})


def joined(lines: Iterable[bytes]) -> tuple[int, int]:
    """Return how many lines were said in requests, and how many of them have not the ids of theirs."""
    said: list[tuple[str, tuple[Any, ...]]] = []
    requests: dict[str, tuple[Any, ...]] = {}
    for line in lines:
        record = json.loads(line)
        ids = tuple(record.get(key) for key in _IDS)
        if record["event"] == "said":
            said.append((record["who"], ids))
        elif record["event"] in _EVENTS:
            requests[record["url_path"].rpartition("/")[2]] = ids
    return len(said), sum(None in ids or requests.get(who) != ids for who, ids in said)


def _serve(requests: int) -> None:
    """Serve as many requests, and leave their lines on standard output."""

    async def all_at_once(app: Any, ways: Iterable[tuple[int, str]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, way in ways:
                tasks.create_task(ask(app, way, f"{way}-{number}"))

    with ThreadPoolExecutor(4) as pool:
        app = application(pool)
        app.state.kit = kit = instrument(app, log_format="json", log_buffer_bytes=1024**3)
        ways = islice(enumerate(cycle(WAYS)), requests)
        while batch := list(islice(ways, AT_ONCE)):
            asyncio.run(all_at_once(app, batch))
        kit.shutdown(60)


def main() -> int:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _serve(given.requests)
        return 0
    command = [sys.executable, "-m", "tests.logs.joins", "--serve", "--requests", str(given.requests)]
    with TemporaryFile() as out:
        subprocess.run(command, stdout=out, check=True)
        out.seek(0)
        lines, wrong = joined(out)
    said = f"{lines} lines of {given.requests} requests, {wrong} without the ids of their request"
    print(said)  # noqa: T201 -- a command line prints
    return int(wrong > 0 or lines != 2 * given.requests)


if __name__ == "__main__":
    sys.exit(main())
