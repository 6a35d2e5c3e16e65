"""The rules of the catalogue: an entry that breaks some is refused with all of them."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from observekit.catalogue.specs import EventSpec, MetricSpec, ProbeSpec, SpanSpec, catalogue
from observekit.errors import CatalogueError

_GOOD = MetricSpec(name="jobs_total", kind="counter", help="Jobs.", labels=("outcome",))
_HELP = "help must be a sentence that ends in a full stop or a question mark"


def _refusal(spec: type, **entry: Any) -> str:
    with pytest.raises(CatalogueError) as told:
        spec(**entry)
    return str(told.value)


def test_a_bad_metric_is_told_everything_that_is_wrong_with_it() -> None:
    told = _refusal(
        MetricSpec,
        name="Jobs",
        kind="counter",
        unit="seconds",
        help="x",
        buckets=(2, 1),
        labels=("le", "A", "A"),
    )

    assert told == (
        "metric 'Jobs': name must be snake_case; the name of a metric of kind counter must end in _total; "
        f"name must end in its unit, _seconds; {_HELP}; "
        "buckets belong to histograms, and a histogram needs them; buckets must rise strictly; "
        "label 'le' is reserved by Prometheus; label 'A' must be snake_case; label 'A' must be snake_case; "
        "labels must differ"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "jobs__total"}, "name must be snake_case"),
        ({"name": "1_jobs_total"}, "name must be snake_case"),
        (
            {"name": "jobs_total\n"},
            "name must be snake_case; the name of a metric of kind counter must end in _total",
        ),
        ({"name": "jobs"}, "the name of a metric of kind counter must end in _total"),
        ({"kind": "gauge"}, "the name ends in _total, which belongs to metrics of kind counter"),
        (
            {"kind": "info", "name": "jobs", "across": "one"},
            "the name of a metric of kind info must end in _info",
        ),
        (
            {"kind": "gauge", "name": "jobs_info"},
            "the name ends in _info, which belongs to metrics of kind info",
        ),
        (
            {"kind": "gauge", "name": "jobs_count"},
            "the name ends in _count, which Prometheus appends to names of histograms",
        ),
        ({"unit": "seconds"}, "name must end in its unit, _seconds"),
        ({"help": ""}, _HELP),
        ({"help": "Jobs"}, _HELP),
        ({"buckets": (1.0,)}, "buckets belong to histograms, and a histogram needs them"),
        ({"kind": "histogram", "name": "jobs"}, "buckets belong to histograms, and a histogram needs them"),
        ({"kind": "histogram", "name": "jobs", "buckets": (1.0, 1.0)}, "buckets must rise strictly"),
        (
            {"kind": "histogram", "name": "jobs", "buckets": (1.0, float("inf"))},
            "buckets must be finite; the last one, +Inf, is added by Prometheus' clients",
        ),
        ({"labels": ("out-come",)}, "label 'out-come' must be snake_case"),
        ({"labels": ("__name__",)}, "label '__name__' must be snake_case"),
        ({"labels": ("instance",)}, "label 'instance' is reserved by Prometheus"),
        ({"labels": ("outcome", "outcome")}, "labels must differ"),
        ({"values": {"reason": ("a",)}}, "values are given for 'reason', which is not a label"),
        ({"values": {"outcome": ()}}, "values of 'outcome' must differ and not be empty"),
        ({"values": {"outcome": ("ok", "ok")}}, "values of 'outcome' must differ and not be empty"),
        (
            {"kind": "stateset", "name": "jobs", "across": "one"},
            "a stateset needs the values of its label",
        ),
        (
            {"kind": "info", "name": "jobs_info"},
            "a metric of kind info is no number to add up over workers; say across worker or one",
        ),
        ({"across": "max"}, "the highest counter of all workers means nothing; across max is for gauges"),
        ({"labels": ("worker",)}, "label 'worker' is for metrics that are kept across workers"),
    ],
)
def test_each_rule_of_metrics_refuses_what_breaks_it(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(CatalogueError) as told:
        replace(_GOOD, **change)

    assert str(told.value) == f"metric {change.get('name', 'jobs_total')!r}: {problem}"


def test_a_counter_in_a_unit_has_both_endings() -> None:
    spec = MetricSpec(name="process_cpu_seconds_total", kind="counter", unit="seconds", help="CPU time.")

    assert (spec.labels, spec.buckets, dict(spec.values), spec.origin) == ((), (), {}, "observekit")


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        _GOOD.name = "other_total"  # type: ignore[misc]  # the attempt is what is tested


def test_the_values_of_a_label_cannot_be_changed_through_the_entry_or_behind_it() -> None:
    given: dict[str, tuple[str, ...]] = {"outcome": ("ok", "error")}
    spec = replace(_GOOD, values=given)

    given["outcome"] = ("ok",)
    with pytest.raises(TypeError):
        spec.values["outcome"] = ("ok",)  # type: ignore[index]  # the attempt is what is tested

    assert spec.values == {"outcome": ("ok", "error")}


def test_equal_entries_are_one_in_a_set() -> None:
    again = MetricSpec(name="jobs_total", kind="counter", help="Jobs.", labels=("outcome",))

    assert {_GOOD, again} == {_GOOD}


def test_a_bad_event_is_told_everything_that_is_wrong_with_it() -> None:
    told = _refusal(EventSpec, name="Http request", level="info", help="One request", fields=("a", "a"))

    assert told == (
        "event 'Http request': name must be dotted snake_case, like http.request; "
        f"{_HELP}; fields must differ"
    )


def test_a_bad_span_is_told_everything_that_is_wrong_with_it() -> None:
    told = _refusal(
        SpanSpec,
        name="{http.request.method} {http.route}",
        kind="SERVER",
        help="x",
        attributes=("http.route", "A"),
    )

    assert told == (
        "span '{http.request.method} {http.route}': the name uses 'http.request.method', which is not among "
        f"the attributes; attribute 'A' must be dotted snake_case; {_HELP}"
    )


def test_a_bad_probe_is_told_everything_that_is_wrong_with_it() -> None:
    told = _refusal(ProbeSpec, name="liveness", path="livez", help="x", fails_when="never")

    assert told == f"probe 'liveness': path must begin with '/'; {_HELP}"


def test_a_help_that_asks_is_a_sentence_too() -> None:
    probe = ProbeSpec(name="liveness", path="/livez", help="Is it alive?", fails_when="never")

    assert probe.help == "Is it alive?"


def test_no_name_stands_in_a_catalogue_twice() -> None:
    with pytest.raises(CatalogueError) as told:
        catalogue((_GOOD, replace(_GOOD, help="Other jobs.")))

    assert str(told.value) == "'jobs_total' stands in the catalogue twice; each name has one entry."


def test_a_catalogue_keeps_the_order_of_its_entries() -> None:
    other = replace(_GOOD, name="a_total")

    index = catalogue((_GOOD, other))

    assert list(index.items()) == [("jobs_total", _GOOD), ("a_total", other)]
