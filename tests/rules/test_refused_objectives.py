"""Objectives that cannot be are refused, with what is wrong in the words of who wrote them."""

import pytest

from observekit.dashboards.rules.openslo import MINIMUM, objectives
from observekit.dashboards.rules.selecting import selected
from observekit.errors import CatalogueError, ConfigError
from tests.rules.documents import FIRST, SECOND, changed

_SOURCE = "spec/indicator/spec/ratioMetric/total/metricSource"
_QUERY = f"{_SOURCE}/spec/query"
_LATENCY = "spec/indicator/spec/thresholdMetric/metricSource/spec/query"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("spec/objectives/0/target", 1, "its target is 1, but must lie between 0 and 1"),
        ("spec/objectives/0/target", "much", "objectives.target is 'much', but must be a number like 0.999."),
        ("spec/timeWindow/0/duration", "7d", "its time window is 7d, but must be 28d or 30d."),
        (
            "spec/objectives/0/target",
            float("nan"),
            "objectives.target is nan, but must be a number like 0.999.",
        ),
        (
            "spec/timeWindow/0/duration",
            "soon",
            "spec.timeWindow is 'soon', but must be rolling, 28d, 4w or 30d.",
        ),
        (
            "spec/budgetingMethod",
            "Moods",
            "spec.budgetingMethod is 'Moods', but must be Occurrences or Timeslices.",
        ),
        ("spec/alertPolicies", [], "spec.alertPolicies is not read; leave it out."),
        ("apiVersion", "openslo/v2", "apiVersion must be openslo/v1 and kind SLO."),
        ("metadata/name", "a b", "metadata.name is 'a b', but must be letters and digits with - between."),
        (_QUERY, "sum(jobs_total)", 'must be the selector of a counter, like jobs_total{queue="mail"}.'),
        (_QUERY, "job_seconds", "events are counted by a counter, whose name ends in _total or _count."),
        (
            _QUERY,
            "http_server_request_durations_seconds_count",
            "is no metric of the catalogue; did you mean http_server_request_duration_seconds?",
        ),
        (_QUERY, 'http_server_request_duration_seconds_count{route="/"}', "'route' is not a label here"),
        (
            _QUERY,
            'http_server_request_duration_seconds_count{http_request_method="get"}',
            'http_request_method="get" matches none of the values of the label',
        ),
        ("spec/indicator/spec/ratioMetric/counter", False, "ratioMetric must have counter: true"),
        (_QUERY, 7, "total.metricSource.spec.query must be a text."),
        (_QUERY, "jobs_total{queue='mail'}", "must be the selector of a counter"),
        (f"{_SOURCE}/type", "Moods", "total.metricSource.type must be Prometheus."),
        ("metadata", "x", "metadata must be a mapping."),
        ("metadata/annotations", {MINIMUM: "some"}, "is 'some', but must be a whole number."),
        ("metadata/annotations", {MINIMUM: 0}, "its minimum of bad events is 0, but must be at least 1."),
        ("spec/timeWindow", [], "spec.timeWindow must be a list of one entry."),
        ("spec/objectives", [], "spec.objectives must be a list."),
        (
            "metadata/labels",
            {"app.kubernetes.io/name": "x"},
            "its label 'app.kubernetes.io/name' must be letters, digits and _",
        ),
        ("metadata/labels", {"job": "x"}, "its label 'job' must be letters, digits and _"),
        (
            "metadata/labels",
            {"team": "{{ $value }}"},
            "its label team is '{{ $value }}', but must be printable",
        ),
        (_QUERY, "wait_seconds_bucket", "each event is in several buckets; name one of them"),
        (_QUERY, 'wait_seconds_bucket{le=~"1|2"}', "each event is in several buckets; name one of them"),
        ("spec/objectives", [{"targetPercent": 100}], "its target is 1, but must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused_and_named(path: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        objectives(changed(FIRST, path, value))

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("spec/objectives/0/op", "gt", "objectives.op must be lte: good is what is at most the value."),
        ("spec/objectives/0/timeSliceWindow", "2m", "its slices are 120 s long, but must be 1m or 5m."),
        ("spec/objectives/0/value", "inf", "objectives.value is 'inf', but must be a number like 0.999."),
        (_LATENCY, "work_seconds_count", "the buckets are known of histograms of the catalogue only"),
        (_LATENCY, "", "thresholdMetric.metricSource.spec.query must be a text."),
    ],
)
def test_what_a_threshold_cannot_be_is_refused_and_named(path: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        objectives(changed(SECOND, path, value))

    assert told in str(refused.value)


def test_two_conditions_on_the_bucket_are_refused() -> None:
    with pytest.raises(CatalogueError, match="each event is in several buckets; name one of them"):
        selected('work_seconds_bucket{le="0.5",queue="a",le=~"much"}')


def test_a_threshold_between_two_buckets_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as refused:
        objectives(changed(SECOND, "spec/objectives/0/value", 0.3))

    assert str(refused.value) == (
        "objectives.value: 0.3 is no bucket of http_server_request_duration_seconds, so nobody has counted "
        "what is below it; the nearest are 0.25 and 0.5."
    )
