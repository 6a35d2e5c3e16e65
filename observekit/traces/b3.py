"""B3, Zipkin's trace context, for those whose neighbours speak it: one header, or several."""

import re
from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

_SINGLE: Final = "b3"
_TRACE: Final = "x-b3-traceid"
_SPAN: Final = "x-b3-spanid"
_SAMPLED: Final = "x-b3-sampled"
_FLAGS: Final = "x-b3-flags"
# Those that a caller cannot be without.
_NAMES: Final = (_SINGLE, _TRACE, _SPAN)
# Source: openzipkin/b3-propagation: ids of 64 or 128 bits for traces, of 64 bits for spans, in lower case.
_TRACE_ID: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
# Source: the same: "d" is a trace for debugging, which is always recorded; some send "true".
_RECORDED: Final = frozenset({"1", "d", "true"})
_STATES: Final = frozenset({*_RECORDED, "0", "false"})


class B3(TextMapPropagator):
    """Reads both forms of B3 and writes one of them.

    A caller that leaves it open whether to record has decided nothing; OpenTelemetry has no word for that,
    and it counts as a no, as in OpenTelemetry's own.

    Args:
        refused: Told why something that a caller sent was not taken.
        several: Whether a header for each fact is written, and not the one that has them all.
    """

    def __init__(self, refused: Callable[[str], None] = lambda _: None, *, several: bool) -> None:
        self._refused = refused
        self._several = several

    @property
    def fields(self) -> set[str]:
        """The headers that are read or written."""
        return {_SINGLE, _TRACE, _SPAN, _SAMPLED, _FLAGS}

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return *context* with the caller's span; as it is where the headers are missing or wrong."""
        context = Context() if context is None else context

        def only(name: str) -> str:
            """Return the header if it is there once: of two, nobody can tell which one is true."""
            values = getter.get(carrier, name) or []
            return values[0].strip(" \t") if len(values) == 1 else ""

        single = only(_SINGLE)
        if single:
            trace, span, state = _parts(single)
        else:
            debug = "d" if only(_FLAGS) == "1" else ""
            trace, span, state = only(_TRACE), only(_SPAN), debug or only(_SAMPLED).lower()
        caller = _caller(trace, span, state)
        if caller is not None:
            return set_span_in_context(NonRecordingSpan(caller), context)
        # A state alone is right: it says that nothing is to be recorded, of a trace that has no id yet.
        sent = any(text.strip() for name in _NAMES for text in getter.get(carrier, name) or ())
        if sent and single not in _STATES:
            self._refused("b3")
        return context

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the current span, if there is one."""
        current = get_current_span(context).get_span_context()
        if not current.is_valid:
            return
        trace, span = f"{current.trace_id:032x}", f"{current.span_id:016x}"
        sampled = "1" if current.trace_flags.sampled else "0"
        if not self._several:
            setter.set(carrier, _SINGLE, f"{trace}-{span}-{sampled}")
            return
        for name, value in ((_TRACE, trace), (_SPAN, span), (_SAMPLED, sampled)):
            setter.set(carrier, name, value)


# The longest that is right: trace, span, state, parent.
_LONGEST: Final = 32 + 1 + 16 + 1 + 1 + 1 + 16


def _parts(header: str) -> tuple[str, str, str]:
    """Return trace id, span id and state of the one header; empty texts where there is none of it."""
    trace, span, state, parent = [*header[: _LONGEST + 1].split("-"), "", "", ""][:4]
    wrong = len(header) > _LONGEST or header.count("-") > 3 or (parent and not _SPAN_ID.fullmatch(parent))  # noqa: PLR2004
    return ("", "", "") if wrong else (trace, span, state)


def _caller(trace: str, span: str, state: str) -> SpanContext | None:
    if not _TRACE_ID.fullmatch(trace) or not _SPAN_ID.fullmatch(span) or (state and state not in _STATES):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    flags = TraceFlags.SAMPLED if state in _RECORDED else TraceFlags.DEFAULT
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
