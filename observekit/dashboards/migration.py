"""Recording rules that carry the names of two other libraries over to ours and back, for a migration.

Source: prometheus-fastapi-instrumentator 8.1 (its default metrics, status codes grouped) and
starlette-exporter 0.24 (its default prefix), as their code registers them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Final

from observekit.catalogue.buckets import LATENCY_BUCKETS
from observekit.catalogue.metrics import (
    ACTIVE_REQUESTS,
    REQUEST_BODY_SIZE,
    REQUEST_DURATION,
    RESPONSE_BODY_SIZE,
)
from observekit.semconv import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    UNMATCHED_ROUTE,
    label,
)

_METHOD: Final = label(HTTP_REQUEST_METHOD)
_ROUTE: Final = label(HTTP_ROUTE)
_CODE: Final = label(HTTP_RESPONSE_STATUS_CODE)
_MARK: Final = "migrated_from"

_OURS: Final = "observekit"
_INSTRUMENTATOR: Final = "prometheus-fastapi-instrumentator"
_EXPORTER: Final = "starlette-exporter"
# Where a page has these, the library itself has measured, and nothing is carried over.
_PROOF: Final = {
    _OURS: f"{REQUEST_DURATION.name}_count",
    _INSTRUMENTATOR: "http_requests_total",
    _EXPORTER: "starlette_requests_total",
}
# Source: latency_lowr_buckets and latency_highr_buckets of prometheus-fastapi-instrumentator.
_COARSE: Final = (0.1, 0.5, 1.0)
_FINE: Final = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    *(7.5, 10.0, 30.0, 60.0),
)
_PARTS: Final = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class _Label:
    """A label that gets its value from another one, as far as that matches."""

    name: str
    source: str
    pattern: str = "(.+)"
    value: str = "$1"


_TO_INSTRUMENTATOR: Final = (
    _Label("handler", _ROUTE),
    _Label("handler", _ROUTE, UNMATCHED_ROUTE, "none"),
    _Label("method", _METHOD),
    _Label("status", _CODE, "(.)..", "${1}xx"),
)
_FROM_INSTRUMENTATOR: Final = (
    _Label(_ROUTE, "handler"),
    _Label(_ROUTE, "handler", "none", UNMATCHED_ROUTE),
    _Label(_METHOD, "method"),
    _Label(_CODE, "status"),
)
_TO_EXPORTER: Final = (_Label("path", _ROUTE), _Label("method", _METHOD), _Label("status_code", _CODE))
_FROM_EXPORTER: Final = (
    _Label(_ROUTE, "path"),
    _Label(_ROUTE, "path", "__unknown__", UNMATCHED_ROUTE),
    _Label(_METHOD, "method"),
    _Label(_CODE, "status_code"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One series of theirs out of one of ours, or the other way round; ``drop`` is summed away."""

    record: str
    series: str
    where: str = ""
    labels: Sequence[_Label] = ()
    drop: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The rules from one library to another; ``before`` it go other libraries that measure the same."""

    source: str
    target: str
    rules: Sequence[_Rule]
    constants: dict[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()


def _only(names: Sequence[str], labels: Sequence[_Label]) -> tuple[_Label, ...]:
    return tuple(one for one in labels if one.name in names)


def _bounds(bounds: Sequence[float]) -> str:
    shown = "|".join(str(bound).replace(".", "[.]") for bound in bounds if bound in LATENCY_BUCKETS)
    return f', le=~"{shown}|[+]Inf"'


def _to_instrumentator() -> Iterator[_Rule]:
    all_three = (_METHOD, _ROUTE, _CODE)
    yield _Rule(
        record="http_requests_total",
        series=f"{REQUEST_DURATION.name}_count",
        labels=_TO_INSTRUMENTATOR,
        drop=all_three,
    )
    for name, bounds, kept in (
        ("http_request_duration_seconds", _COARSE, ("handler", "method")),
        ("http_request_duration_highr_seconds", _FINE, ()),
    ):
        for part in _PARTS:
            yield _Rule(
                record=name + part,
                series=REQUEST_DURATION.name + part,
                where=_bounds(bounds) if part == "_bucket" else "",
                labels=_only(kept, _TO_INSTRUMENTATOR),
                drop=all_three,
            )
    for name, ours in (
        ("http_request_size_bytes", REQUEST_BODY_SIZE.name),
        ("http_response_size_bytes", RESPONSE_BODY_SIZE.name),
    ):
        for part in ("_count", "_sum"):
            handler = _only(("handler",), _TO_INSTRUMENTATOR)
            yield _Rule(record=name + part, series=ours + part, labels=handler, drop=all_three)
    yield _Rule(record="http_requests_inprogress", series=ACTIVE_REQUESTS.name, drop=(_METHOD,))


def _from_instrumentator() -> Iterator[_Rule]:
    theirs = ("handler", "method", "status")
    yield _Rule(
        record=f"{REQUEST_DURATION.name}_count",
        series="http_requests_total",
        labels=_FROM_INSTRUMENTATOR,
        drop=theirs,
    )
    for part in ("_bucket", "_sum"):
        yield _Rule(
            record=REQUEST_DURATION.name + part,
            series=f"http_request_duration_seconds{part}",
            labels=_only((_ROUTE, _METHOD), _FROM_INSTRUMENTATOR),
            drop=theirs,
        )
    for name, ours in (
        ("http_request_size_bytes", REQUEST_BODY_SIZE.name),
        ("http_response_size_bytes", RESPONSE_BODY_SIZE.name),
    ):
        for part in ("_count", "_sum"):
            route = _only((_ROUTE,), _FROM_INSTRUMENTATOR)
            yield _Rule(record=ours + part, series=name + part, labels=route, drop=theirs)
    method = _only((_METHOD,), _FROM_INSTRUMENTATOR)
    yield _Rule(record=ACTIVE_REQUESTS.name, series="http_requests_inprogress", labels=method, drop=theirs)


def _to_exporter() -> Iterator[_Rule]:
    drop = (_METHOD, _ROUTE, _CODE)
    # Requests that no route took are not counted there, unless it is told to.
    where = f', {_ROUTE}!="{UNMATCHED_ROUTE}"'
    for record, part in (
        ("starlette_requests_total", "_count"),
        *((f"starlette_request_duration_seconds{part}", part) for part in _PARTS),
    ):
        series = REQUEST_DURATION.name + part
        yield _Rule(record=record, series=series, where=where, labels=_TO_EXPORTER, drop=drop)
    method = _only(("method",), _TO_EXPORTER)
    yield _Rule(
        record="starlette_requests_in_progress", series=ACTIVE_REQUESTS.name, labels=method, drop=(_METHOD,)
    )


def _from_exporter() -> Iterator[_Rule]:
    drop = ("method", "path", "status_code", "app_name")
    for part in _PARTS:
        series = f"starlette_request_duration_seconds{part}"
        yield _Rule(record=REQUEST_DURATION.name + part, series=series, labels=_FROM_EXPORTER, drop=drop)
    method = _only((_METHOD,), _FROM_EXPORTER)
    yield _Rule(
        record=ACTIVE_REQUESTS.name, series="starlette_requests_in_progress", labels=method, drop=drop
    )


_GROUPS: Final = (
    _Group(source=_OURS, target=_INSTRUMENTATOR, rules=tuple(_to_instrumentator())),
    _Group(source=_OURS, target=_EXPORTER, rules=tuple(_to_exporter()), constants={"app_name": "starlette"}),
    _Group(source=_INSTRUMENTATOR, target=_OURS, rules=tuple(_from_instrumentator())),
    _Group(source=_EXPORTER, target=_OURS, rules=tuple(_from_exporter()), before=(_INSTRUMENTATOR,)),
)

_HEAD: Final = """\
# For the time of a migration: old dashboards and alerts go on with services that have observekit, and the
# boards of observekit show services that have prometheus-fastapi-instrumentator or starlette-exporter still.
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
#
# What is recorded bears the label migrated_from. Nothing is recorded for an instance that has the series
# itself, so that no request counts twice. Take the file out when the last dashboard has moved.
#
# What cannot be carried over:
# - from prometheus-fastapi-instrumentator: single status codes (it has 5xx, not 503), and the status of a
#   duration;
# - to it: those of its fine buckets that observekit has not: 1.5, 2, 3 to 4.5, 30 and 60 seconds;
# - sizes of bodies, where the setting body_sizes is off;
# - metrics that were renamed in code, and labels that were added there.
groups:
"""
_GROUP: Final = Template("""\
  - name: observekit-migration-from-$source-to-$target
    interval: $interval
    rules:
""")
_ENTRY: Final = Template("""\
      - record: $record
        expr: |
          sum without ($drop) (
            $inner
          )
$unless
        labels:
$labels
""")


def migration_yaml(scrape_interval: str) -> str:
    """Return the rule file; its rules run as often as Prometheus scrapes, so that rates stay as they are."""
    text = _HEAD
    for group in _GROUPS:
        text += _GROUP.substitute(source=group.source, target=group.target, interval=scrape_interval)
        text += "".join(_entry(group, rule) for rule in group.rules)
    return text


def _entry(group: _Group, rule: _Rule) -> str:
    inner = f'{rule.series}{{{_MARK}=""{rule.where}}}'
    for one in rule.labels:
        inner = f'label_replace({inner}, "{one.name}", "{one.value}", "{one.source}", "{one.pattern}")'
    labels = {_MARK: group.source, **group.constants}
    return _ENTRY.substitute(
        record=rule.record,
        drop=", ".join(rule.drop),
        inner=inner,
        unless="\n".join(
            f'          unless on (job, instance) {_PROOF[one]}{{{_MARK}=""}}'
            for one in (group.target, *group.before)
        ),
        labels="\n".join(f"          {name}: {value}" for name, value in labels.items()),
    )
