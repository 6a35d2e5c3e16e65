"""Names of OpenTelemetry metrics and attributes as Prometheus spells them.

Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, with the unit words of the
collector's translator, which the specification refers to.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, Literal

from observekit.metrics.family import cleaned

Kind = Literal["counter", "gauge", "histogram"]

_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_A_LABEL: Final = re.compile(r"[^a-zA-Z0-9]+")
_ANNOTATION: Final = re.compile(r"\{[^}]*\}")
# fmt: off
_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds",
    "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
    "KBy": "kilobytes", "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "%": "percent", "1": "",
}
_PER: Final = {
    "s": "second", "min": "minute", "m": "minute", "h": "hour",
    "d": "day", "w": "week", "mo": "month", "y": "year",
}
# fmt: on
# The label of a bucket's bound. Prometheus, too, puts exported_ before a label whose name it needs itself.
_BOUND: Final = "le"


def family_name(name: str, unit: str, kind: Kind, *, share: bool = False) -> str:
    """Return the name of a family, without the ``_total`` that its samples have where it is a counter.

    A unit that is the end of the name already is not appended again.

    Args:
        name: Name of the instrument.
        unit: Its unit, in UCUM.
        kind: What it becomes.
        share: Whether the unit ``1`` says that the value is a ratio, as it does for gauges.
    """
    spelt = _spelt(_NOT_IN_A_NAME, name)
    if kind == "counter":
        spelt = spelt.removesuffix("_total")
    word = "ratio" if share and unit == "1" else _unit_word(unit)
    return spelt if not word or f"_{spelt}".endswith(f"_{word}") else f"{spelt.rstrip('_')}_{word}"


def labels(attributes: Mapping[str, object], kind: Kind) -> dict[str, str]:
    """Return *attributes* as labels; values whose names become the same stand behind one another."""
    found: dict[str, list[str]] = {}
    for key in sorted(attributes):
        name = _spelt(_NOT_IN_A_LABEL, key)
        if name == _BOUND and kind == "histogram":
            name = f"exported_{_BOUND}"
        found.setdefault(name, []).append(_text(attributes[key]))
    return {name: cleaned(";".join(texts)) for name, texts in found.items()}


def _spelt(wrong: re.Pattern[str], name: str) -> str:
    spelt = wrong.sub("_", name) or "_"
    return f"_{spelt}" if spelt[0].isdigit() else spelt


def _unit_word(unit: str) -> str:
    above, _, below = _ANNOTATION.sub("", unit).partition("/")
    word = _word(above, _UNITS)
    per = _word(below, _PER)
    return f"{word}_per_{per}".lstrip("_") if per else word


def _word(symbol: str, words: Mapping[str, str]) -> str:
    return words.get(symbol, _NOT_IN_A_NAME.sub("_", symbol).strip("_"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
