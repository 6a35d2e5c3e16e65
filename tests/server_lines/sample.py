"""What every server leaves behind, with what differs each time made equal, as a document.

``python -m tests.server_lines.sample`` writes it anew, with the servers that are installed.
"""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from .servers import HERE, Left, left_behind

SAMPLE: Final = HERE.parents[1] / "docs" / "server-lines.md"
_PACKAGES: Final = ("granian", "gunicorn", "hypercorn", "starlette", "uvicorn", "uvicorn-worker")
_HEAD: Final = """\
# Lines of servers

What each server and the [application](../tests/server_lines/application.py) leave on standard output and
standard error, from the start to SIGTERM, with every access log on: four requests and a WebSocket, each with
`?token=CANARY`. Written by `python -m tests.server_lines.sample`; a test holds it to what they say.
Times, ids, ports, and calls within libraries are made equal; two workers' lines come in any order, and are
not shown. Servers: {versions}.

"""
_PLAIN: Final = """\
In plain text, by the main process, which never loads the application:

"""
_TWO: Final = ("uvicorn --workers 2",)
"""Lines of two workers come in any order: what they are is tested, and not shown."""
_EQUAL: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+Z| \+0000)"), "TIME"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), "PORT"),
    (re.compile(r"(?<=[\[( ])(?:\d{2,})(?=[\])]|$)"), "PID"),
    (re.compile(r"(?<=pid[:=])\d+|(?<=pid: )\d+|(?<=PID: )\d+"), "PID"),
    (re.compile(r"(?<=Starting gunicorn )[\d.]+"), "VERSION"),
)
_IDS: Final = ("trace_id", "span_id")
_TIMES: Final = re.compile(r"duration_seconds|time_to_first_byte_seconds")


def versions() -> str:
    """Return the servers that are installed, with their versions."""
    return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)


def document() -> str:
    """Return the sample as it should stand in the documentation."""
    parts = [_HEAD.format(versions=versions())]
    for name, left in left_behind().items():
        plain = [_equal(line) for line in (*left.out, *left.err) if not line.startswith("{")]
        lines = [] if name in _TWO else list(_lines(left))
        parts.append(f"## {name}\n\n")
        parts.extend(["```json\n", *(f"{line}\n" for line in lines), "```\n\n"] if lines else [])
        parts.extend([_PLAIN, "```text\n", *(f"{line}\n" for line in plain), "```\n\n"] if plain else [])
    return "".join(parts).rstrip() + "\n"


def _lines(left: Left) -> Iterator[str]:
    seen: dict[str, str] = {}
    for line in left.out:
        if line.startswith("{"):
            yield json.dumps(_record(json.loads(line), seen), ensure_ascii=False)


def _record(record: dict[str, Any], seen: dict[str, str]) -> dict[str, Any]:
    """Return *record* with what differs each time made equal; ids that are the same stay so."""
    shown: dict[str, Any] = {
        key: _equal(value) if isinstance(value, str) else value for key, value in record.items()
    }
    for key in shown.keys() & set(_IDS):
        shown[key] = seen.setdefault(record[key], f"{key.partition('_')[0].upper()}-{len(seen) + 1}")
    for key in filter(_TIMES.fullmatch, record):
        shown[key] = None if record[key] is None else 0.001
    if "exception" in shown:
        shown["exception"] = _exception(shown["exception"])
    if "location" in shown:
        shown["location"] = Path(shown["location"]).name
    return shown


def _exception(error: dict[str, Any]) -> dict[str, Any]:
    own = [f"… {Path(frame).name}" for frame in error["frames"] if "application.py" in frame]
    causes = [_exception(one) for one in error.get("caused_by", [])]
    return error | {"frames": own} | ({"caused_by": causes} if causes else {})


def _equal(text: str) -> str:
    for pattern, word in _EQUAL:
        text = pattern.sub(word, text)
    return text


if __name__ == "__main__":
    SAMPLE.write_text(document(), encoding="utf-8")
