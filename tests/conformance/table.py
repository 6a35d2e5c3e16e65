"""Run the suite with each subject, and write what came of it to TABLE.md beside this file.

``python -m tests.conformance.table``, with the packages of peers.txt installed.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from platform import python_version
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Final, NamedTuple

from .figures import figures
from .peers import SUBJECTS

_HERE: Final = Path(__file__).parent
_TABLE: Final = _HERE / "TABLE.md"
OURS_ALONE: Final = (
    "test_backpressure.py",
    "test_bytes.py",
    "test_context_headers.py",
    "test_given_up.py",
    "test_http2.py",
    "test_table.py",
)
"""Files about observekit alone, on real servers."""
_SHORT: Final = 200
"""Characters of what a failed case said."""
_HEAD: Final = """\
# HTTP accounting, case by case

Written by `python -m tests.conformance.table` on {date}, with Python {python}, Starlette {starlette} and
FastAPI {fastapi}.

Each line is a test in this directory: requests in process, and the journal of their client says what is
right. ✓ the subject told what the client saw; ✗ it told something else, or nothing, in so many of the
variants of the case; n/a it does not claim to tell such a thing. Every subject has the settings of its own
documentation that suit the suite best; they are in `peers.py`. `None` stands for no route, or for no status.
"""


class Result(NamedTuple):
    """What came of one variant of one case."""

    chapter: str
    case: str
    outcome: str
    said: str


class Row(NamedTuple):
    """What came of all variants of one case."""

    chapter: str
    case: str
    variants: list[Result]

    @property
    def failed(self) -> list[Result]:
        return [one for one in self.variants if one.outcome == "✗"]

    @property
    def cell(self) -> str:
        if not self.failed:
            return self.variants[0].outcome
        return "✗" if len(self.variants) == 1 else f"✗ {len(self.failed)} of {len(self.variants)}"


Found = Mapping[str, list[Row]]


def main() -> int:
    """Write the table; 1 where observekit itself fails a case, 3 where a subject is missing."""
    missing = [name for name in SUBJECTS if _version(name) is None]
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; see tests/conformance/peers.txt\n")
        return 3
    found = {name: _run(name) for name in SUBJECTS}
    _TABLE.write_text("".join(_table(found)))
    return int(any(row.failed for row in found["observekit"]))


def _run(name: str) -> list[Row]:
    with TemporaryDirectory() as directory:
        record = Path(directory) / "record.json"
        command = [sys.executable, "-m", "pytest", str(_HERE), "-q", "--tb=no", "-W", "ignore"]
        command += ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "tests.conformance.recorder"]
        command += ["--subject", name, "--record", str(record)]
        command += [f"--ignore={_HERE / name}" for name in OURS_ALONE]
        subprocess.run(command, check=False, stdout=sys.stderr, cwd=_HERE.parents[1])
        results = [Result(*one) for one in json.loads(record.read_text())]
    cases = groupby(results, lambda one: (one.chapter, one.case))
    return [Row(chapter, case, list(variants)) for (chapter, case), variants in cases]


def _table(found: Found) -> Iterator[str]:
    versions = {"starlette": _version("starlette"), "fastapi": _version("fastapi")}
    yield _HEAD.format(date=datetime.now(UTC).date(), python=python_version(), **versions)
    yield "\n"
    yield _line("", *(f"{name} {_version(name)}" for name in found))
    yield _line("---", *(":---:" for _ in found))
    yield _line("cases right, of those claimed", *(_share(rows) for rows in found.values()))
    yield figures()
    for chapter, rows in groupby(zip(*found.values(), strict=True), lambda row: row[0].chapter):
        yield f"\n## {chapter}\n\n"
        yield _line("", *found)
        yield _line("---", *(":---:" for _ in found))
        for row in rows:
            yield _line(_sentence(row[0]), *(one.cell for one in row))
    for subject, told in found.items():
        yield from _instead(subject, [row for row in told if row.failed])


def _instead(subject: str, failed: list[Row]) -> Iterator[str]:
    if failed:
        yield f"\n## What {subject} told instead\n\n"
    for row in failed:
        yield f"- {_sentence(row)}: `{_told(row.failed[0].said)}`\n"


def _told(said: str) -> str:
    """Return the values that pytest found to differ, without its words around them."""
    text = " ".join(said.replace("`", "").split()).removeprefix("AssertionError: ").removeprefix("assert ")
    text = text.partition(" diff: ")[2] or text
    text = text.partition(" Use -v")[0].partition(" + where")[0].partition(" in [[")[0].partition(" in ([")[0]
    return shorten(text, _SHORT, placeholder=" …")


def _share(rows: list[Row]) -> str:
    claimed = [row for row in rows if row.cell != "n/a"]
    return f"**{sum(not row.failed for row in claimed)} of {len(claimed)}**"


def _sentence(row: Row) -> str:
    return row.case.removeprefix("test_").replace("_", " ")


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
