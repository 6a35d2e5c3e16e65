"""The catalogue and the settings as data and as Markdown, for the command line and for the documents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from observekit.catalogue import EVENTS, METRICS, PROBES, SPANS, EventSpec, MetricSpec, ProbeSpec, SpanSpec
from observekit.config import Config
from observekit.config.model import SETTINGS
from observekit.config.setting import Setting
from observekit.semconv import WORKER

Entry = Mapping[str, Any]
"""One thing of a section: texts, lists and dicts by key, ``name`` first."""


_SEVERAL: Final = ({"name": WORKER, "note": "where there are several"},)


def _metric(spec: MetricSpec) -> Entry:
    return {
        "name": spec.name,
        "type": spec.kind,
        "unit": spec.unit,
        "labels": [*spec.labels, *_SEVERAL] if spec.across == "worker" else list(spec.labels),
        "help": spec.help,
        "values": {name: list(values) for name, values in spec.values.items()},
        "buckets": list(spec.buckets),
        "across_workers": spec.across,
        "made_by": spec.origin,
    }


def _event(spec: EventSpec) -> Entry:
    return {"name": spec.name, "level": spec.level, "fields": list(spec.fields), "help": spec.help}


def _span(spec: SpanSpec) -> Entry:
    return {"name": spec.name, "kind": spec.kind, "attributes": list(spec.attributes), "help": spec.help}


def _probe(spec: ProbeSpec) -> Entry:
    return {"name": spec.name, "path": spec.path, "fails_when": spec.fails_when, "help": spec.help}


_DEFAULTS: Final = Config()


def _setting(name: str, about: Setting) -> Entry:
    default = about.kind.masked(getattr(_DEFAULTS, name))
    return {
        "name": name,
        "default": list(default) if isinstance(default, tuple) else default,
        "variables": [{"name": source.variable, "note": source.note} for source in about.sources],
        "help": about.help,
        "rule": about.kind.rule,
    }


_SECTIONS: Final[Mapping[str, Callable[[], Iterable[Entry]]]] = {
    "metrics": lambda: map(_metric, METRICS.values()),
    "events": lambda: map(_event, EVENTS.values()),
    "spans": lambda: map(_span, SPANS.values()),
    "probes": lambda: map(_probe, PROBES.values()),
    "settings": lambda: (_setting(name, about) for name, about in SETTINGS.items()),
}
SECTIONS: Final = tuple(_SECTIONS)

_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "metrics": ("name", "type", "unit", "labels", "help"),
    "events": ("name", "level", "fields", "help"),
    "spans": ("name", "kind", "attributes", "help"),
    "probes": ("name", "path", "help", "fails_when"),
    "settings": ("name", "default", "variables", "help"),
}
_CODE: Final = frozenset({"name", "labels", "fields", "attributes", "path", "default", "variables"})


def entries(section: str) -> list[Entry]:
    """Return the entries of a section in the order in which they are read best."""
    return list(_SECTIONS[section]())


def markdown(section: str) -> str:
    """Return a section as a Markdown table, without an end of line at its end."""
    columns = _COLUMNS[section]
    head = [column.replace("_", " ").capitalize() for column in columns]
    rows = [[_cell(column, entry[column]) for column in columns] for entry in entries(section)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(columns), *rows))


def fill(document: str) -> str:
    """Return *document* with what is between ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` made anew.

    A document need not have all sections, nor any.
    """
    for section in SECTIONS:
        begin, end = f"<!-- {section}:begin -->\n", f"<!-- {section}:end -->"
        before, opened, rest = document.partition(begin)
        _, closed, after = rest.partition(end)
        if opened and closed:
            document = f"{before}{begin}{markdown(section)}\n{end}{after}"
    return document


def inline(value: Any, *, tick: str = "") -> str:
    """Return a value of an entry as it stands inside a line, names between *tick*."""
    if isinstance(value, list):
        return ", ".join(inline(one, tick=tick) for one in value)
    if isinstance(value, dict) and value.keys() == {"name", "note"}:
        return f"{tick}{value['name']}{tick}" + (f" ({value['note']})" if value["note"] else "")
    if isinstance(value, dict) and value:
        return "; ".join(f"{key} = {inline(inner, tick=tick)}" for key, inner in value.items())
    return f"{tick}{value}{tick}"


def _cell(column: str, value: Any) -> str:
    return inline(value, tick="`" if column in _CODE else "").replace("|", r"\|")
