"""What every panel showed, and on which Prometheus: read and written as a table beside the tests."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.boards.queries import Query, queries

FILE = Path(__file__).parent / "TABLE.md"
ASKED_BY = "OBSERVEKIT_TEST_PANELS"
"""Names the file that a live test leaves what it saw in, as rows in JSON."""

Row = tuple[str, str, str]


def leave(prometheus: str, seen: Mapping[Query, int]) -> None:
    """Write down what the *prometheus* at that address has shown of each query, where somebody asks."""
    if not (wanted := os.environ.get(ASKED_BY)):
        return
    build = httpx.get(f"{prometheus}/api/v1/status/buildinfo").json()["data"]
    found = [[*row_of(query), count] for query, count in seen.items()]
    content = {"version": build["version"], "rows": found}
    Path(wanted).write_text(json.dumps(content), encoding="utf-8")


def row_of(query: Query) -> Row:
    """Return the words by which a query is found in the table."""
    return query.board.removeprefix("observekit-"), query.panel, query.expression


def written(found: Iterable[Mapping[str, Any]], head: Iterable[str]) -> str:
    """Return the table of what was *found*, a column for each Prometheus."""
    columns = {each["version"]: {tuple(row[:3]): row[3] for row in each["rows"]} for each in found}
    lines = [
        *head,
        "",
        f"| board | panel | shown by | {' | '.join(columns)} | query |",
        "| --- " * (len(columns) + 4) + "|",
    ]
    for query in dict.fromkeys(queries()):
        row = row_of(query)
        counts = " | ".join(str(column[row]) for column in columns.values())
        source = "catalogue" if query.rehearsed else "shop"
        lines.append(f"| {row[0]} | {_cell(row[1])} | {source} | {counts} | `{_cell(row[2])}` |")
    return "\n".join([*lines, ""])


def rows() -> Iterator[tuple[Row, list[int]]]:
    """Return what the committed table says: of each query, the series on each Prometheus."""
    for row, cells in _lines():
        yield row, [int(cell) for cell in cells[3:-1]]


def shown_by() -> dict[Row, str]:
    """Return who answered each query: the shop, or the page made from the catalogue."""
    return {row: cells[2] for row, cells in _lines()}


def _lines() -> Iterator[tuple[Row, list[str]]]:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in line.replace("\\|", "\0").split("|")[1:-1]]
        cells = [cell.replace("\0", "|") for cell in cells]
        if len(cells) > 4 and cells[-1].startswith("`"):
            yield (cells[0], cells[1], cells[-1].strip("`")), cells


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
