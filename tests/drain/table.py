"""The table of rolling restarts: ``python -m tests.drain.table --restarts 20`` writes TABLE.md.

Each server is restarted as often under load, by itself and under ``observekit run``; nginx before it sends
nobody to an instance whose readiness fell, and tries none a second time.
"""

import argparse
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tests.drain.rig import CONNECTIONS, missing, roll
from tests.drain.servers import APP, SERVERS, Server
from tests.drain.service import Service, supervised

TABLE: Final = Path(__file__).with_name("TABLE.md")
DELAY_SECONDS: Final = 1.0
OBSERVED: Final = "tests.drain.observed:app"
_BEGIN: Final = """# Rolling restarts under load

What clients saw of restarts of each server, one instance of two at a time: nginx in front with
kept connections and no second try, `wrk` with {connections} connections that it keeps. nginx leaves an
instance out as soon as a controller, which asks every 100 ms, has seen its readiness fall.
Delay of the drain: {delay:g} s. Made by `python -m tests.drain.table --restarts {restarts}`.

| server | | restarts | requests | failed | exit codes |
| --- | --- | ---: | ---: | ---: | --- |
"""


class Row(NamedTuple):
    """One line of the table."""

    server: str
    how: str
    restarts: int
    requests: int
    failed: int
    errors: str
    codes: str

    def markdown(self) -> str:
        failed = f"{self.failed} ({self.errors})" if self.failed else "**0**"
        return (
            f"| {self.server} | {self.how} | {self.restarts} | {self.requests:,} | {failed} | {self.codes} |"
        )


def rows(name: str, server: Server, restarts: int) -> Iterator[Row]:
    """Yield the server by itself, with its application observed by code, and under ``observekit run``."""
    for how in ("by itself", "`observekit run`"):
        with TemporaryDirectory(prefix="drain-") as made:
            directory = Path(made)

            def start(port: int, how: str = how, directory: Path = directory) -> Service:
                if how == "by itself":
                    return Service(server.command(OBSERVED, port), directory, port)
                command = supervised(server.command(APP, port), "--drain-delay", f"{DELAY_SECONDS:g}")
                return Service(command, directory, port)

            # A few are enough to see what is lost.
            count = restarts if how != "by itself" else max(1, restarts // 5)
            seen, codes = roll(directory, start, count)
            errors = ", ".join(f"{failed} {kind}" for kind, failed in seen.errors.items())
            kinds = ", ".join(sorted({"does not end" if code is None else str(code) for code in codes}))
            yield Row(name, how, count, seen.requests, seen.failed, errors, kinds)


def main() -> int:
    """Write the table, and return 1 if a request was lost that should not have been."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument(
        "--server", action="append", choices=tuple(SERVERS), help="only this one; prints its rows"
    )
    options = parser.parse_args()
    if lacking := missing():
        print(f"{lacking} is not installed", file=sys.stderr)
        return 2
    done = []
    for name in options.server or SERVERS:
        for row in rows(name, SERVERS[name], options.restarts):
            print(row.markdown(), flush=True)
            done.append(row)
    if not options.server:
        begin = _BEGIN.format(restarts=options.restarts, connections=CONNECTIONS, delay=DELAY_SECONDS)
        packages = ("gunicorn", "granian", "hypercorn", "uvicorn")
        end = "\n\nWith " + ", ".join(f"{package} {version(package)}" for package in packages) + ".\n"
        TABLE.write_text(begin + "\n".join(row.markdown() for row in done) + end, encoding="utf-8")
    return int(any(row.failed for row in done if row.how != "by itself"))


if __name__ == "__main__":
    sys.exit(main())
