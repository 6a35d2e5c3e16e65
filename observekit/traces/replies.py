"""Answers of collectors over HTTP, judged by the OTLP specification: only a collector's yes is a yes."""

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Final, NamedTuple

from observekit.redaction import redact_text
from observekit.traces.protobuf import fields
from observekit.traces.verdict import Verdict

# Source: OTLP specification 1.x, OTLP/HTTP response, "Retryable response codes".
_AGAIN: Final = frozenset({429, 502, 503, 504})
_TOO_LARGE: Final = 413
_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
# A collector that says "next year" has a broken clock, or is none.
_LONGEST_SECONDS: Final = 300.0
_WORDS: Final = 200
# Source: opentelemetry/proto/collector/trace/v1/trace_service.proto, ExportTraceServiceResponse.
_PARTIAL_SUCCESS: Final = 1
_REJECTED_SPANS: Final = 1
_ERROR_MESSAGE: Final = 2


class Reply(NamedTuple):
    """An HTTP response as it was read.

    Attributes:
        headers: By lower-case name; of several the last.
        body: As much of it as there is a limit for.
        whole: Whether that is all of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


def judged(reply: Reply, sent: int) -> Verdict:
    """Return what *reply* means for *sent* spans."""
    status = reply.status
    if status in _OK:
        return _success(reply, sent)
    if status in _AGAIN:
        return Verdict("again", f"HTTP {status}", after_seconds=retry_after(reply.headers.get("retry-after")))
    if status == _TOO_LARGE:
        return Verdict("too_large", f"HTTP {status}")
    if status in _REDIRECT or status not in range(400, 600):
        # Credentials would go along to wherever it leads, and a collector has no reason to send anybody away.
        return Verdict("no_collector", f"HTTP {status}, which is not followed")
    return Verdict("rejected", f"HTTP {status}")


def _success(reply: Reply, sent: int) -> Verdict:
    if not reply.body and reply.whole:
        return Verdict("taken")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not reply.whole:
        return Verdict("no_collector", f"HTTP {reply.status} with a longer answer than a collector's")
    try:
        if kind == "application/json":
            rejected, why = _from_json(reply.body)
        elif kind in {"application/x-protobuf", ""}:
            rejected, why = _from_protobuf(reply.body)
        else:
            return Verdict("no_collector", f"HTTP {reply.status} with content of type {kind[:64]!r}")
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return Verdict("no_collector", f"HTTP {reply.status} with content that is no answer of OTLP")
    return partial(rejected, why, sent)


def partial(rejected: int, why: str, sent: int) -> Verdict:
    """Return a verdict for spans that were taken but for *rejected* of them."""
    told = f"{rejected} rejected: {why}" if rejected else why
    # Who answered may count wrongly; nobody can refuse more than was sent.
    return Verdict("taken", redact_text(told[:_WORDS]), rejected=min(max(rejected, 0), sent))


def read_response(body: bytes) -> tuple[int, str]:
    """Return rejected spans and message of an ``ExportTraceServiceResponse``.

    Raises:
        ValueError: If it is none.
    """
    return _from_protobuf(body)


def _from_protobuf(body: bytes) -> tuple[int, str]:
    rejected, why = 0, ""
    for number, value in fields(body):
        if number != _PARTIAL_SUCCESS:
            continue
        if not isinstance(value, bytes):
            raise ValueError("a partial success is a message")  # noqa: TRY004 -- of what was received
        for inner, told in fields(value):
            if inner == _REJECTED_SPANS and isinstance(told, int):
                rejected = told
            elif inner == _ERROR_MESSAGE and isinstance(told, bytes):
                why = told.decode("utf-8", "replace")
    return rejected, why


def _from_json(body: bytes) -> tuple[int, str]:
    told = json.loads(body)
    found = told.get("partialSuccess") or {}
    return int(found.get("rejectedSpans") or 0), str(found.get("errorMessage") or "")


def retry_after(told: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, which may be a date; nothing where it is wrong."""
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_SECONDS) if math.isfinite(seconds) else None
