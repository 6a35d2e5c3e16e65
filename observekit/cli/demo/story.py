"""One request told from its trace and its log lines."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from observekit.cli.demo.processes import tail
from observekit.cli.demo.screen import Line, Marks, Part, Style
from observekit.cli.demo.spans import Node, Span, tree
from observekit.cli.demo.words import duration

Record = Mapping[str, Any]

_SERVICE: Final = 12
_STATUS: Final = 7
_DURATION: Final = 9
_BAR: Final = 18
_ROOM_FOR_BARS: Final = 96
_TIME_OF_DAY: Final = slice(11, 23)
_MOST_LINES: Final = 3
_ERROR_STATUS: Final = 700
_LEVELS: Final[dict[str, Style]] = {"error": "red", "critical": "red", "warning": "yellow", "info": "green"}
# In each line of the story the same, or in its head already.
_TOLD: Final = frozenset(
    {"timestamp", "level", "event", "logger", "service", "trace_id", "span_id", "trace_flags", "exception"}
)
_OF_THE_REQUEST: Final = frozenset(
    {
        "http_request_method",
        "http_route",
        "url_path",
        "http_response_status_code",
        "outcome",
        "duration_seconds",
        "time_to_first_byte_seconds",
        "response_bytes",
        "client_address",
        "reason",
    }
)


def trace_lines(trace: Collection[Span], width: int, marks: Marks) -> Iterator[Line]:
    """Yield a trace as a tree, with a bar for each span where there is room."""
    bars = width >= _ROOM_FOR_BARS
    name = width - _SERVICE - _STATUS - _DURATION - (_BAR + 2 if bars else 0)
    heading = (
        f"{'SPAN'.ljust(name)}{'SERVICE'.ljust(_SERVICE)}{'STATUS'.rjust(_STATUS)}{'TIME'.rjust(_DURATION)}"
    )
    yield [Part(heading, "dim")]
    first, last = min(span.started for span in trace), max(span.ended for span in trace)
    for lead, below, node in _walk(tree(trace), marks):
        span = node.span
        bar = f"  {_bar(span, first, last, marks)}" if bars else ""
        label = _cut(f"{lead}{_label(span, marks)}", name - 1, marks)
        style: Style = "red" if span.failed or (span.status or 0) >= _ERROR_STATUS else "plain"
        yield [
            Part(label.ljust(name), "dim" if span.kind == "client" else "plain"),
            Part(span.service.ljust(_SERVICE)),
            Part(str(span.status or "").rjust(_STATUS), style),
            Part(duration(span.seconds).rjust(_DURATION)),
            Part(bar, style if style == "red" else "dim"),
        ]
        if span.error:
            yield [Part(_cut(f"{below}{span.error}", width, marks), "red")]


def log_lines(records: Iterable[Record], width: int, marks: Marks) -> Iterator[Line]:
    """Yield log records, one or a few lines each."""
    for record in records:
        level = str(record.get("level", ""))
        head = f"{str(record.get('timestamp', ''))[_TIME_OF_DAY]}  "
        margin = len(head) + 9 + _SERVICE
        text = wrap(
            _sentence(record),
            max(20, width - margin),
            max_lines=_MOST_LINES,
            placeholder=marks.cut,
            break_on_hyphens=False,
        )
        yield [
            Part(head, "dim"),
            Part(f"{level:<9}", _LEVELS.get(level, "dim")),
            Part(f"{record.get('service', ''):<{_SERVICE}}"),
            Part(text[0] if text else ""),
        ]
        for more in text[1:]:
            yield [Part(" " * margin + more)]
        error = record.get("exception")
        if isinstance(error, Mapping):
            for line in wrap(_raised(error), max(20, width - margin), break_on_hyphens=False):
                yield [Part(" " * margin + line, "red")]


def records_of(trace_id: str, files: Iterable[Path]) -> list[Record]:
    """Return the log records of a recent trace from the ends of all *files*, in the order of time."""
    # Most lines are of other requests, and are not parsed.
    lines = (line for path in files for line in tail(path).splitlines())
    records = (record_of(line) for line in lines if trace_id in line)
    found = [record for record in records if record is not None and record.get("trace_id") == trace_id]
    return sorted(found, key=lambda record: str(record.get("timestamp", "")))


def record_of(line: str) -> Record | None:
    """Return the log record that *line* is, if it is one: the last line of a file may not be whole."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _walk(nodes: Sequence[Node], marks: Marks, margin: str | None = None) -> Iterator[tuple[str, str, Node]]:
    """Yield each node with what stands before its name, and before what is said below it."""
    for node in nodes:
        lead = inner = ""
        if margin is not None:
            last = node is nodes[-1]
            lead = margin + (marks.last if last else marks.branch)
            inner = margin + ("   " if last else marks.along)
        yield lead, inner + (marks.along if node.children else "   "), node
        yield from _walk(node.children, marks, inner)


def _label(span: Span, marks: Marks) -> str:
    return f"{span.name} {marks.calls} {span.peer}" if span.kind == "client" else span.name


def _bar(span: Span, first: float, last: float, marks: Marks) -> str:
    scale = _BAR / max(last - first, 1e-9)
    start = min(int((span.started - first) * scale), _BAR - 1)
    length = max(1, round(span.seconds * scale))
    return (" " * start + marks.bar * length)[:_BAR]


def _sentence(record: Record) -> str:
    # Of a traceback that was logged as a message, what matters is at its end.
    event = str(record.get("event", "")).rpartition("\n")[2]
    skipped = _TOLD
    if event == "http.request":
        skipped = _TOLD | _OF_THE_REQUEST
        took = record.get("duration_seconds") or 0.0
        event += (
            f"  {record.get('http_request_method')} {record.get('http_route')} "
            f"{record.get('http_response_status_code')} in {duration(took)}"
        )
    fields = (f"{key}={value}" for key, value in record.items() if key not in skipped)
    return "  ".join((event, *fields))


def _raised(error: Mapping[str, Any]) -> str:
    frames = error.get("frames") or [""]
    place = str(frames[-1]).rpartition("/")[2]
    return f"{error.get('type')}: {error.get('message')}  ({place})"


def _cut(text: str, width: int, marks: Marks) -> str:
    return text if len(text) <= width else f"{text[: width - len(marks.cut)]}{marks.cut}"
