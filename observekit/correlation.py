"""The fields of the current request or job, wherever in its code they are asked for."""

from typing import Final

from opentelemetry.context import Context, create_key, get_current, get_value

# Everything has a limit; a canonical event of 64 more fields is still readable.
FIELD_LIMIT: Final = 64

_KEY: Final = create_key("observekit-fields")
_LEFT_OUT: Final = "fields_left_out"

Fields = dict[str, object]


def with_fields(fields: Fields, context: Context | None = None) -> Context:
    """Return *context* with *fields* as those of the current request or job.

    They travel in OpenTelemetry's own context, so that one context variable serves both
    and whoever keeps one across threads and tasks keeps the other.
    """
    # As set_value() does it, with one copy less: this is done for each request.
    return Context({**(get_current() if context is None else context), _KEY: fields})


def annotate(**fields: object) -> None:
    """Add *fields* to the canonical event of the current request; outside of one, do nothing.

    Works wherever the context reaches: in tasks, in endpoints that run in a worker thread, in `to_thread`.
    A later value of the same name wins. Beyond 64 names, further ones are left out and counted in the
    field ``fields_left_out``.
    """
    current = get_value(_KEY)
    if not isinstance(current, dict):
        return
    for name, value in fields.items():
        if name in current or len(current) < FIELD_LIMIT:
            current[name] = value
        else:
            before = current.get(_LEFT_OUT)
            # The application may have a field of that name.
            current[_LEFT_OUT] = before + 1 if isinstance(before, int) else 1
