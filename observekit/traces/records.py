"""Log records as OTLP has them, from what a line would say; they go the way that spans go."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from observekit.traces.protobuf import FIXED64, framed
from observekit.traces.values import any_value, attributes, text

# Source: opentelemetry/proto/logs/v1/logs.proto, LogRecord; tags are field number and wire type.
_TIME: Final = b"\x09"
_OBSERVED: Final = b"\x59"
_SEVERITY: Final = b"\x10"
_SEVERITY_TEXT: Final = b"\x1a"
_BODY: Final = b"\x2a"
_ATTRIBUTE: Final = b"\x32"
_FLAGS: Final = b"\x45"
_TRACE: Final = b"\x4a"
_SPAN: Final = b"\x52"
# Source: log data model, mapping of severities: the first of the four grades of each.
_NUMBERS: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
# What has a field of its own in a LogRecord, or belongs to the resource or the scope.
_PLACED: Final = frozenset(
    {"timestamp", "level", "event", "logger", "service", "trace_id", "span_id", "trace_flags", "exception"}
)
# Source: a line of a record has at most as many.
RECORD_BYTES: Final = 64 * 1024


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """Return a ``LogRecord`` with what *record*, which is redacted, says."""
    at = FIXED64.pack(int(datetime.fromisoformat(record["timestamp"]).timestamp() * 1_000_000) * 1000)
    level = record["level"]
    found = {key: value for key, value in record.items() if key not in _PLACED}
    if "exception" in record:
        found |= _exception(record["exception"])
    body = framed(_BODY, any_value(record["event"]))
    pieces, _, dropped = attributes(_ATTRIBUTE, found, None, max(0, RECORD_BYTES - len(body)))
    if dropped:
        pieces += attributes(_ATTRIBUTE, {"observekit.attributes_left_out": dropped}, None, RECORD_BYTES)[0]
    head = (
        _TIME + at,
        _SEVERITY + bytes((_NUMBERS.get(level, 9),)),
        framed(_SEVERITY_TEXT, text(level)),
        body,
    )
    return b"".join((*head, *pieces, _ids(record), _OBSERVED, at))


def _ids(record: Mapping[str, Any]) -> bytes:
    trace, span, flags = (record.get(name) for name in ("trace_id", "span_id", "trace_flags"))
    try:
        return (
            _FLAGS
            + bytes((int(str(flags), 16), 0, 0, 0))
            + framed(_TRACE, bytes.fromhex(str(trace)))
            + framed(_SPAN, bytes.fromhex(str(span)))
        )
    except ValueError:  # There is none, or a field of the user's has the name.
        return b""


def _exception(told: Mapping[str, Any]) -> dict[str, object]:
    """Return an exception under the names that the conventions have for it."""
    return {
        "exception.type": told.get("type"),
        "exception.message": told.get("message"),
        "exception.stacktrace": "\n".join(_lines(told)),
    }


def _lines(told: Mapping[str, Any]) -> list[str]:
    """Return an exception, what led to it and, of groups, the members; as many as the record has."""
    lines: list[str] = []
    for one in (told, *_listed(told.get("caused_by"))):
        lines += [f"{one.get('type')}: {one.get('message')}", *_frames(one)]
        for member in _listed(one.get("exceptions")):
            lines += [f"  | {line}" for line in _lines(member)]
    return lines


def _frames(told: Mapping[str, Any]) -> list[str]:
    frames = told.get("frames")
    return [f"    {frame}" for frame in frames] if isinstance(frames, list) else []


def _listed(value: object) -> list[Any]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
