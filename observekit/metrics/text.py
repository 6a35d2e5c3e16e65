"""The pieces that lines of the metrics page are made of, in both formats as prometheus-client writes them."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from prometheus_client.utils import floatToGoString

Format = Literal["text", "openmetrics"]

# Source: prometheus-client writes exponents from 1e6 on, because Go does.
_PLAIN_BELOW: Final = 1_000_000


def number(value: float) -> str:
    """Return *value* as prometheus-client writes it."""
    text = repr(float(value))  # One of numpy's is a float, and has a text of its own.
    return text if "." in text[:7] else floatToGoString(value)


def whole(value: int) -> str:
    """Return a count as prometheus-client writes it: as a float."""
    return f"{value}.0" if -_PLAIN_BELOW < value < _PLAIN_BELOW else floatToGoString(value)


def escaped(value: str) -> str:
    """Return a label value as it stands between quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def labels(pairs: Iterable[tuple[str, str]]) -> str:
    """Return labels in braces, sorted by name; nothing where there are none."""
    text = ",".join(f'{name}="{escaped(value)}"' for name, value in sorted(pairs))
    return f"{{{text}}}" if text else ""


def exemplar(trace: Mapping[str, str], value: float, timestamp: float | None) -> str:
    """Return an exemplar as it follows the value of a line, in OpenMetrics only."""
    when = "" if timestamp is None else f" {timestamp}"
    inner = ",".join(f'{name}="{escaped(text)}"' for name, text in sorted(trace.items()))
    return f" # {{{inner}}} {number(value)}{when}"


def heading(name: str, kind: str, help_text: str, unit: str, form: Format) -> str:
    """Return the lines that introduce a family; *name* is the family's, without ``_total`` or ``_info``."""
    if form == "openmetrics":
        units = f"# UNIT {name} {unit}\n" if unit else ""
        return f"# HELP {name} {escaped(help_text)}\n# TYPE {name} {kind}\n{units}"
    shown, name = _in_text(name, kind)
    told = help_text.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {told}\n# TYPE {name} {shown}\n"


def _in_text(name: str, kind: str) -> tuple[str, str]:
    """Return type and name of a family in Prometheus text, which knows fewer types."""
    if kind == "counter":
        return kind, f"{name}_total"
    if kind == "info":
        return "gauge", f"{name}_info"
    return {"stateset": "gauge", "gaugehistogram": "histogram", "unknown": "untyped"}.get(kind, kind), name
