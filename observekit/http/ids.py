"""The ids of a trace as they are logged."""

from opentelemetry.trace import SpanContext


def ids_of(context: SpanContext) -> dict[str, str]:
    """Return the ids of a trace as they are logged; none where there is no trace."""
    # It is a tuple, and this is done for each request.
    trace_id, span_id, _, flags, _, valid = context
    if not valid:
        return {}
    return {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}", "trace_flags": f"{flags:02x}"}
