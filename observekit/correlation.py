"""The fields of the current request or job, wherever in its code they are asked for."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.context import Context, create_key, get_current, get_value
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

# Everything has a limit; a canonical event of 64 more fields is still readable.
FIELD_LIMIT: Final = 64

_KEY: Final = create_key("observekit-fields")
# Where OpenTelemetry keeps the current span, which only it knows.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
_LEFT_OUT: Final = "fields_left_out"

Fields = dict[str, object]


def with_fields(fields: Fields, context: Context | None = None, span: Span | None = None) -> Context:
    """Return *context* with *fields* as those of the current request or job, and *span* as its span.

    They travel in OpenTelemetry's own context, so that one context variable serves both
    and whoever keeps one across threads and tasks keeps the other.
    """
    around = get_current() if context is None else context
    # As set_value() does it, with a copy less for each of the two: this is done for each request.
    if span is None:
        return Context({**around, _KEY: fields})
    return Context({**around, SPAN_KEY: span, _KEY: fields})


def current_fields() -> Fields | None:
    """Return the fields of the current request or job, ``None`` outside of any."""
    fields = get_value(_KEY)
    return fields if isinstance(fields, dict) else None


def annotate(**fields: object) -> None:
    """Add *fields* to the canonical event of the current request or job; outside of one, do nothing.

    Works wherever the context reaches: in tasks, in endpoints that run in a worker thread, in `to_thread`.
    A later value of the same name wins. Beyond 64 names, further ones are left out and counted in the
    field ``fields_left_out``.
    """
    current = current_fields()
    if current is not None:
        add_fields(current, fields)


def add_fields(current: Fields, more: Mapping[str, object]) -> None:
    """Add *more* to the fields of a request or job, as far as there is room."""
    for name, value in more.items():
        if name in current or len(current) < FIELD_LIMIT:
            current[name] = value
        else:
            before = current.get(_LEFT_OUT)
            # The application may have a field of that name.
            current[_LEFT_OUT] = before + 1 if isinstance(before, int) else 1
