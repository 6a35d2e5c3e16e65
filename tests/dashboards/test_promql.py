"""PromQL: what each function writes, and what it refuses to write."""

from collections.abc import Callable

import pytest

from observekit.catalogue import MetricSpec
from observekit.dashboards.promql import (
    Rewrite,
    Vector,
    busiest,
    count_by,
    divided,
    increase,
    is_zero,
    joined,
    label_values,
    max_by,
    min_by,
    now,
    quantile,
    rate,
    ratio,
    rewritten,
    scaled,
    sum_by,
    where_present,
)
from observekit.dashboards.series import Matcher, buckets, counts, samples
from observekit.errors import CatalogueError

_WAITS = MetricSpec(
    name="wait_seconds",
    kind="histogram",
    unit="seconds",
    help="Time spent waiting.",
    labels=("queue", "code"),
    buckets=(0.25, 1.0),
)
_JOBS = MetricSpec(name="jobs_total", kind="counter", help="Jobs taken.", labels=("queue",))
_DEPTH = MetricSpec(name="queue_depth", kind="gauge", help="Jobs that wait.", labels=("queue",))
_LIMIT = MetricSpec(name="queue_limit", kind="gauge", help="Jobs that may wait.", labels=("queue",))
_BUILD = MetricSpec(name="build_info", kind="info", help="What was built.", labels=("version",), across="one")

_FAILED = Matcher("code", "=~", "5..")
_TARGET = "cluster, namespace, job, instance"


@pytest.mark.parametrize(
    ("vector", "text", "labels"),
    [
        (rate(samples(_JOBS)), "rate(jobs_total[$__rate_interval])", "cluster instance job namespace queue"),
        (sum_by(increase(samples(_JOBS), "5m")), "sum(increase(jobs_total[5m]))", ""),
        (min_by(now(samples(_DEPTH)), "queue"), "min by (queue) (queue_depth)", "queue"),
        (max_by(now(samples(_DEPTH)), "job", "queue"), "max by (job, queue) (queue_depth)", "job queue"),
        (count_by(now(samples(_BUILD)), "version"), "count by (version) (build_info)", "version"),
        (sum_by(is_zero(now(samples(_DEPTH)))), "sum(queue_depth == bool 0)", ""),
        (scaled(1000, sum_by(now(samples(_DEPTH)))), "1000 * sum(queue_depth)", ""),
        (
            divided(sum_by(now(samples(_DEPTH)), "queue"), sum_by(now(samples(_DEPTH)))),
            "sum by (queue) (queue_depth) / on () group_left () (sum(queue_depth) > 0)",
            "queue",
        ),
        (
            sum_by(where_present(now(samples(_DEPTH)), samples(_BUILD), "1h")),
            f"sum(queue_depth and on ({_TARGET}) present_over_time(build_info[1h]))",
            "",
        ),
        (
            sum_by(joined(rate(samples(_JOBS)), samples(_BUILD), "version"), "version"),
            (
                "sum by (version) (rate(jobs_total[$__rate_interval]) "
                f"* on ({_TARGET}) group_left (version) build_info)"
            ),
            "version",
        ),
    ],
)
def test_a_function_writes_this_and_knows_the_labels_of_its_result(
    vector: Vector, text: str, labels: str
) -> None:
    assert (vector.text, sorted(vector.labels)) == (text, labels.split())


def test_a_ratio_is_zero_without_bad_events_and_nothing_without_traffic() -> None:
    share = ratio(rate(counts(_WAITS, _FAILED), "5m"), rate(counts(_WAITS), "5m"), "queue")

    everything = "sum by (queue) (rate(wait_seconds_count[5m]))"
    assert share.text == (
        f'(sum by (queue) (rate(wait_seconds_count{{code=~"5.."}}[5m])) or 0 * {everything})'
        f" / ({everything} > 0)"
    )


def test_a_quantile_keeps_the_bounds_and_drops_what_is_not_a_number() -> None:
    estimate = quantile(0.95, buckets(_WAITS), "queue", window="5m")

    assert (estimate.text, estimate.labels) == (
        "histogram_quantile(0.95, sum by (le, queue) (rate(wait_seconds_bucket[5m]))) >= 0",
        frozenset({"queue"}),
    )


def test_the_busiest_are_ranked_once_for_the_whole_time_range() -> None:
    waits = quantile(0.5, buckets(_WAITS), "queue")

    kept = busiest(waits, samples(_JOBS), "queue", limit=3)

    assert kept.text == (
        "(histogram_quantile(0.5, sum by (le, queue) (rate(wait_seconds_bucket[$__rate_interval]))) >= 0) "
        "and on (queue) topk(3, sum by (queue) (rate(jobs_total[$__range] @ end())))"
    )


def test_a_label_can_be_made_from_another() -> None:
    codes = sum_by(rate(counts(_WAITS)), "code")

    classes = rewritten(codes, Rewrite(source="code", pattern="(.)..", label="class", replacement="${1}xx"))

    assert (classes.text, classes.labels) == (
        (
            "label_replace(sum by (code) (rate(wait_seconds_count[$__rate_interval])), "
            '"class", "${1}xx", "code", "(.)..")'
        ),
        frozenset({"code", "class"}),
    )


def test_a_variable_offers_the_values_of_a_label() -> None:
    assert label_values(samples(_DEPTH, Matcher("job", "=~", "$job")), "queue") == (
        'label_values(queue_depth{job=~"$job"}, queue)'
    )


_ALL = "cluster, instance, job, namespace, queue"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(
            lambda: now(samples(_JOBS)),
            "jobs_total: only ever rises until a restart; put it into rate() or increase().",
            id="a counter as it stands",
        ),
        pytest.param(
            lambda: now(counts(_WAITS)),
            "wait_seconds_count: only ever rises until a restart; put it into rate() or increase().",
            id="a histogram's count as it stands",
        ),
        pytest.param(
            lambda: rate(samples(_DEPTH)),
            "queue_depth: rate() is for counters, not for a metric of kind gauge; use now().",
            id="the rate of a gauge",
        ),
        pytest.param(
            lambda: increase(samples(_BUILD)),
            "build_info: increase() is for counters, not for a metric of kind info; use now().",
            id="the increase of an info",
        ),
        pytest.param(
            lambda: busiest(now(samples(_DEPTH)), samples(_DEPTH), "queue"),
            "queue_depth: rate() is for counters, not for a metric of kind gauge; use now().",
            id="a ranking by a gauge",
        ),
        pytest.param(
            lambda: rate(samples(_JOBS), "5 minutes"),
            "The window is '5 minutes', but must be $__rate_interval, $__range or a duration like 5m.",
            id="an unknown window",
        ),
        pytest.param(
            lambda: sum_by(now(samples(_DEPTH)), "queue", "code", "route"),
            (
                f"queue_depth: 'code' is not a label here; there are {_ALL}; "
                f"'route' is not a label here; there are {_ALL}."
            ),
            id="grouping by foreign labels",
        ),
        pytest.param(
            lambda: sum_by(sum_by(now(samples(_DEPTH))), "queue"),
            "sum(queue_depth): 'queue' is not a label here; there are none.",
            id="grouping by a lost label",
        ),
        pytest.param(
            lambda: divided(sum_by(now(samples(_DEPTH))), sum_by(now(samples(_LIMIT)), "queue")),
            (
                "sum(queue_depth) / sum by (queue) (queue_limit): the left side has the labels none, "
                "the right side queue; group both by the same."
            ),
            id="sides with different labels",
        ),
        pytest.param(
            lambda: quantile(0.5, counts(_WAITS)),
            "wait_seconds_count: a quantile is estimated from buckets; select them with buckets().",
            id="a quantile of counts",
        ),
        pytest.param(
            lambda: quantile(95, buckets(_WAITS)),
            "wait_seconds_bucket: the quantile is 95, but must lie between 0 and 1.",
            id="a quantile above one",
        ),
        pytest.param(
            lambda: joined(now(samples(_DEPTH)), samples(_LIMIT), "queue"),
            "queue_limit: labels are joined from an info metric, not from one of kind gauge.",
            id="labels joined from a gauge",
        ),
        pytest.param(
            lambda: joined(now(samples(_DEPTH)), samples(_BUILD), "commit"),
            "build_info: 'commit' is not a label here; there are cluster, instance, job, namespace, version.",
            id="a foreign label joined",
        ),
        pytest.param(
            lambda: joined(
                sum_by(now(samples(_DEPTH)), *_TARGET.split(", ")[:3]), samples(_BUILD), "version"
            ),
            (
                "sum by (cluster, namespace, job) (queue_depth): "
                "'instance' is not a label here; there are cluster, job, namespace."
            ),
            id="a join without the instance",
        ),
        pytest.param(
            lambda: busiest(now(samples(_DEPTH)), samples(_JOBS), "route"),
            f"queue_depth: 'route' is not a label here; there are {_ALL}.",
            id="a ranking by a foreign label",
        ),
        pytest.param(
            lambda: rewritten(
                now(samples(_DEPTH)), Rewrite(source="code", pattern="(.)..", label="class", replacement="$1")
            ),
            f"queue_depth: 'code' is not a label here; there are {_ALL}.",
            id="a foreign label rewritten",
        ),
        pytest.param(
            lambda: label_values(samples(_DEPTH), "code"),
            f"queue_depth: 'code' is not a label here; there are {_ALL}.",
            id="a variable over a foreign label",
        ),
    ],
)
def test_what_prometheus_would_answer_wrongly_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(CatalogueError) as told:
        build()

    assert str(told.value) == message
