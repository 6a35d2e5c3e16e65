"""The table of rolling restarts: ``python -m tests.drain.table --restarts 20`` writes TABLE.md.

Each server is restarted as often under load: by itself, with ``observekit drain`` as its preStop hook, and
under ``observekit run``; nginx before it sends nobody to an instance whose readiness fell, and tries none a
second time. ``--server`` and ``--how`` make some of the rows anew, and leave the others as they are.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tests.drain.rig import CONNECTIONS, missing, nothing_first, roll
from tests.drain.servers import APP, SERVERS, Server
from tests.drain.service import Service, cli, supervised

TABLE: Final = Path(__file__).with_name("TABLE.md")
DELAY_SECONDS: Final = 1.0
OBSERVED: Final = "tests.drain.observed:app"
BY_ITSELF, HOOK, RUN = HOWS = ("by itself", "`observekit drain`", "`observekit run`")
# A few are enough to see what is lost.
_FEWER: Final = 5
_BEGIN: Final = """# Rolling restarts under load

What clients saw of restarts of each server, one instance of two at a time: nginx in front with
kept connections and no second try, `wrk` with {connections} connections that it keeps. nginx leaves an
instance out as soon as a controller, which asks every 100 ms, has seen its readiness fall.
By itself a server gets SIGTERM; with `observekit drain`, as by a preStop hook, it gets that after the
command has returned; under `observekit run` the supervisor gets it. Delay of the drain: {delay:g} s.
Made by `python -m tests.drain.table --restarts 20`.

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


def rows_in(text: str) -> dict[tuple[str, str], str]:
    """Return the lines of a table by server and how."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {(cell[1], cell[2]): line for cell, line in zip(cells, lines, strict=True)}


def made(name: str, how: str, restarts: int) -> Row:
    """Restart a server so often, and return what came of it."""
    count = restarts if how != BY_ITSELF else max(1, restarts // _FEWER)
    with TemporaryDirectory(prefix="drain-") as directory:
        start, before = _ways(SERVERS[name], how, Path(directory))
        seen, codes = roll(Path(directory), start, count, before)
    errors = ", ".join(f"{failed} {kind}" for kind, failed in seen.errors.items())
    kinds = ", ".join(sorted({"does not end" if code is None else str(code) for code in codes}))
    return Row(name, how, count, seen.requests, seen.failed, errors, kinds)


def _ways(
    server: Server, how: str, directory: Path
) -> tuple[Callable[[int], Service], Callable[[Service], None]]:
    """Return how it is started, and what is done before it is stopped."""

    def alone(port: int) -> Service:
        return Service(server.command(OBSERVED, port), directory, port, OBSERVEKIT_MANAGEMENT="on")

    def supervising(port: int) -> Service:
        command = supervised(server.command(APP, port), "--drain-delay", f"{DELAY_SECONDS:g}")
        return Service(command, directory, port)

    def drain(service: Service) -> None:
        told = cli("drain", "--pid", str(service.pid), "--delay", f"{DELAY_SECONDS:g}", directory=directory)
        if told.returncode:
            raise RuntimeError(f"observekit drain: {told.returncode}: {told.stderr}")

    return supervising if how == RUN else alone, drain if how == HOOK else nothing_first


def write(rows: dict[tuple[str, str], str]) -> None:
    """Write the table, in the order of the servers."""
    begin = _BEGIN.format(connections=CONNECTIONS, delay=DELAY_SECONDS)
    lines = [rows[name, how] for name in SERVERS for how in HOWS if (name, how) in rows]
    packages = ("gunicorn", "granian", "hypercorn", "uvicorn")
    end = "\n\nWith " + ", ".join(f"{package} {version(package)}" for package in packages) + ".\n"
    TABLE.write_text(begin + "\n".join(lines) + end, encoding="utf-8")


def main() -> int:
    """Write the table, and return 1 if a request was lost that should not have been."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--server", action="append", choices=tuple(SERVERS), help="only the rows of this one")
    parser.add_argument("--how", action="append", choices=HOWS, help="only these rows")
    options = parser.parse_args()
    if lacking := missing():
        print(f"{lacking} is not installed", file=sys.stderr)
        return 2
    lost = 0
    for name in options.server or SERVERS:
        for how in options.how or HOWS:
            row = made(name, how, options.restarts)
            print(row.markdown(), flush=True)
            lost += row.failed if how != BY_ITSELF else 0
            write({**rows_in(TABLE.read_text(encoding="utf-8")), (name, how): row.markdown()})
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
