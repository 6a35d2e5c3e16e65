"""Spans as they arrive, and the tree that they make."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["server", "client", "internal"]

_KINDS: Final[dict[int, Kind]] = {2: "server", 3: "client"}
_ERROR_STATUS: Final = 2
_SERVER_ERROR: Final = 500
_NANOSECONDS: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span; times in seconds since 1970, ids in hexadecimal, ``parent_id`` empty for a root.

    ``peer`` is whom a client span calls, ``error`` what went wrong there, in one line.
    """

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: Kind
    started: float
    ended: float
    status: int | None = None
    failed: bool = False
    peer: str = ""
    error: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class Node:
    """A span and what it led to, in the order of time."""

    span: Span
    children: tuple["Node", ...]


def tree(spans: Iterable[Span]) -> tuple[Node, ...]:
    """Return the roots of *spans*; a span whose parent is not among them is one."""
    known = {span.span_id: span for span in spans}
    below: dict[str, list[Span]] = {}
    for span in sorted(known.values(), key=lambda one: one.started):
        below.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)

    def grown(parent: str) -> tuple[Node, ...]:
        return tuple(Node(span, grown(span.span_id)) for span in below.get(parent, ()))

    return grown("")


def failing(traces: Iterable[Collection[Span]], services: Collection[str]) -> Collection[Span] | None:
    """Return the first of *traces* that failed with a 5xx, passed all *services* and is complete."""
    for trace in traces:
        roots = [node.span for node in tree(trace)]
        if (
            [root.kind for root in roots] == ["server"]
            and (roots[0].status or 0) >= _SERVER_ERROR
            and {span.service for span in trace} >= set(services)
            and _all_answered(trace)
        ):
            return trace
    return None


def _all_answered(trace: Collection[Span]) -> bool:
    """Whether the span of everyone who was called is here: services export each for itself."""
    parents = {span.parent_id for span in trace}
    return all(span.span_id in parents for span in trace if span.kind == "client")


def spans_of(request: Any) -> Iterator[Span]:
    """Yield the spans of an ExportTraceServiceRequest."""
    for group in request.resource_spans:
        service = str(_attributes(group.resource.attributes).get("service.name", ""))
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _span(span, service)


def _span(span: Any, service: str) -> Span:
    attributes = _attributes(span.attributes)
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service,
        name=span.name,
        kind=_KINDS.get(span.kind, "internal"),
        started=span.start_time_unix_nano / _NANOSECONDS,
        ended=span.end_time_unix_nano / _NANOSECONDS,
        # The older names: OpenTelemetry's instrumentation of httpx uses them unless told otherwise.
        status=attributes.get("http.response.status_code", attributes.get("http.status_code")),
        failed=span.status.code == _ERROR_STATUS,
        peer=_host(attributes.get("url.full", attributes.get("http.url", ""))),
        error=_error(span),
    )


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _error(span: Any) -> str:
    for event in span.events:
        if event.name == "exception":
            told = _attributes(event.attributes)
            return f"{told.get('exception.type', '')}: {told.get('exception.message', '')}"
    return ""


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}
