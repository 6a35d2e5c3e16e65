"""Exceptions of records as a person reads them: own code first, libraries in a word, causes in order."""

import os
import re
from collections.abc import Iterator
from linecache import getline
from typing import Any, Final, Literal

from observekit.redaction import redact_text

Paint = Literal["title", "own", "other", "code"]
Line = tuple[Paint, int, str]
"""What a line is, how deep it stands, and its text."""

# A frame as records have it: the file, the line, the function.
_FRAME: Final = re.compile(r"(?s)(.+):(\d+) in (.+)")
# Where packages are installed, and where Python is.
_PACKAGE: Final = re.compile(r"/(?:site|dist)-packages/([^/]+)")
_PYTHON: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 -- a text that others begin with
_CODE_LENGTH: Final = 200
# Of a file that a program has written.
_LINE_LENGTH: Final = 4096


def traceback_lines(error: dict[str, Any], depth: int = 1, title: str = "") -> Iterator[Line]:
    """Yield *error*, its causes and the exceptions of its group, as lines."""
    yield "title", depth, f"{title}{error.get('type')}: {error.get('message')}"
    for note in _listed(error.get("notes")):
        yield "other", depth + 1, str(note)
    yield from _frames(_listed(error.get("frames")), depth + 1)
    members = _listed(error.get("exceptions"))
    for number, member in enumerate(members, 1):
        yield from _another(member, depth + 1, f"{number} of {len(members)}: ")
    for cause in _listed(error.get("caused_by")):
        yield from _another(cause, depth, "caused by ")


def _another(error: object, depth: int, title: str) -> Iterator[Line]:
    if isinstance(error, dict):
        yield from traceback_lines(error, depth, title)
    else:  # What says how many were left out.
        yield "other", depth, str(error)


def _frames(frames: list[Any], depth: int) -> Iterator[Line]:
    """Yield frames; those of libraries in a row are one line, but for the one where the exception rose."""
    passed: list[str] = []
    for place, frame in enumerate(map(str, frames), 1):
        package = _package(frame)
        if package is not None and place < len(frames):
            passed.append(package)
            continue
        if passed:
            yield "other", depth, _passed(passed)
            passed = []
        yield from _frame(frame, depth, own=package is None)


def _frame(frame: str, depth: int, *, own: bool) -> Iterator[Line]:
    parts = _FRAME.fullmatch(frame)
    if parts is None:  # What says how many were left out.
        yield "other", depth, frame
        return
    path, number, function = parts.groups()
    yield ("own" if own else "other"), depth, f"{_near(path)}:{number} in {function}"
    # Redacted before it is cut: half of a secret that is not known for one any more would be shown.
    code = redact_text(getline(path, int(number))[:_LINE_LENGTH].strip())
    if code:
        yield "code", depth + 2, code[:_CODE_LENGTH]


def _package(frame: str) -> str | None:
    """Return the package that *frame* is of; ``None`` for the application's own."""
    found = _PACKAGE.search(frame)
    if found is not None:
        return found[1].removesuffix(".py").partition(".py:")[0]
    return "python" if frame.startswith((_PYTHON, "<frozen ")) else None


def _passed(packages: list[str]) -> str:
    calls = "1 call" if len(packages) == 1 else f"{len(packages)} calls"
    return f"… {calls} in {', '.join(dict.fromkeys(packages))}"


def _near(path: str) -> str:
    """Return *path* from the working directory on, where it is below."""
    here = os.path.join(os.path.abspath("."), "")  # noqa: PTH100, PTH118 -- texts, and without a look at links
    return path.removeprefix(here)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
