"""TABLE.md: what the long forms have shown, a row for each run, which the run itself writes.

``python -m tests.servers_workers.crash --kills 300 --server uvicorn-h11 --write``, ``python -m
tests.servers_workers --write`` and ``python -m tests.workers.forks --forks 500 --write`` replace their rows.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Final, NamedTuple

from tests.servers_workers.servers import SERVERS

TABLE: Final = Path(__file__).with_name("TABLE.md")
_BEGIN: Final = "# Several workers, in length\n"
_ROW: Final = "| "
# Columns of words; the others are numbers.
_WORDS: Final = frozenset({"server", "version", "interpreter"})

Row = tuple[str, ...]
Rows = dict[str, dict[str, Row]]


class Section(NamedTuple):
    """One table: what is said above it, and its columns, the first of which says what a row is of."""

    title: str
    about: str
    columns: Row


SECTIONS: Final = {
    "crash": Section(
        "Workers that are killed",
        """\
Workers of a server under load are killed with SIGKILL at random instants, while pages are read, with a pause
of 0.2 s after each. What one took is with its connection and, where the workers share a port, with the
request before it that asks who answers. A fault is a page that
is not 200 or does not come, a total that falls or is not what the client's journal has, up to
the acts whose answer was cut off, and more pages that were cut off than kills.
`python -m tests.servers_workers.crash --kills 300 --server NAME --write`.
""",
        (
            *("server", "version", "kills", "pages answered", "cut off with their worker", "acts answered"),
            *("cut off", "counted", "files at most", "page at first, ms", "page in the end, ms", "faults"),
        ),
    ),
    "servers": Section(
        "Every test with every server",
        """\
What is tested in short with some servers, with all of them: how many tests there are, and how those came out
that were run, which may be a part. `python -m tests.servers_workers --write`; here with `-k test_kills`.
""",
        ("server", "version", "tests", "passed", "failed", "skipped"),
    ),
    "forks": Section(
        "Forks beside threads",
        """\
A process forks while three threads count, log and trace and a fourth reads pages; each child does one of
each thing, and ends. `python -m tests.workers.forks --forks 500 --write`.
""",
        ("interpreter", "forks", "children that did not end", "wrong counts"),
    ),
}


def interpreter() -> str:
    """Return which one this is."""
    return f"{sys.implementation.name} {python_version()}"


def version_of(server: str) -> str:
    """Return what is installed of it."""
    return version(SERVERS[server].needs[0])


def put(section: str, row: Row) -> None:
    """Write *row* into its section, in the place of the one before that was of the same."""
    rows = read(TABLE.read_text(encoding="utf-8") if TABLE.exists() else "")
    rows[section][row[0]] = row
    TABLE.write_text(written(rows), encoding="utf-8")


def read(text: str) -> Rows:
    """Return the rows of a table, by section and by what they are of."""
    rows: Rows = {}
    for name, section in SECTIONS.items():
        _, _, part = text.partition(f"## {section.title}\n")
        lines = part.partition("\n## ")[0].splitlines()
        cells = [tuple(line.strip("| ").split(" | ")) for line in lines if line.startswith(_ROW)]
        rows[name] = {row[0]: row for row in cells[2:]}
    return rows


def written(rows: Rows) -> str:
    """Return the document that has *rows*; a section without any is not there."""
    parts = [_BEGIN]
    for name, section in SECTIONS.items():
        if not rows[name]:
            continue
        kinds = tuple("---" if column in _WORDS else "--:" for column in section.columns)
        body = [section.columns, kinds, *(rows[name][one] for one in sorted(rows[name]))]
        table = "\n".join(f"| {' | '.join(row)} |" for row in body)
        parts.append(f"## {section.title}\n\n{section.about}\n{table}\n")
    return "\n".join(parts)
