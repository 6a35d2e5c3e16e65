"""Error budgets: what is recorded of an objective, and the alerts of a budget that burns too fast."""

from dataclasses import replace
from typing import Final

from observekit.catalogue.objectives import BURN_PAIRS, BurnPair
from observekit.dashboards.conditions import both, where, whether
from observekit.dashboards.promql import Vector, divided, scaled
from observekit.dashboards.rules.durations import DAY, HOUR, MINUTE, duration
from observekit.dashboards.rules.model import Alert, Group, Recording, selected
from observekit.dashboards.rules.objective import Objective, exact, plain
from observekit.dashboards.rules.parameters import EVALUATION_SECONDS, Parameters
from observekit.dashboards.series import Matcher

# Rates over these windows are read from what was scraped. Over longer ones they are sums of the shortest,
# which gives the same within minutes and reads a hundredth of the samples.
_SCRAPED: Final = (5 * MINUTE, 30 * MINUTE, HOUR)
_SUMMED: Final = (2 * HOUR, 6 * HOUR, DAY, 3 * DAY)
# A month changes little in two minutes, and takes as long to read as all shorter windows together. Less
# often, and what is recorded would be older than the 5 min that Prometheus looks back before it comes again.
_PERIOD_SECONDS: Final = 2 * MINUTE
_BOARD: Final = "observekit-slo"


def budget(objective: Objective, given: Parameters) -> tuple[Group, Group]:
    """Return what is recorded of *objective* and its alerts: of windows of days, and of the whole period."""
    objective = replace(objective, indicator=objective.indicator.among(given.here))
    slices = objective.slices
    recordings = _of_slices(objective, given) if slices else _of_events(objective, given)
    return (
        Group(
            name=f"observekit-slo-{objective.name}",
            interval=given.time(slices.seconds if slices else EVALUATION_SECONDS),
            recordings=recordings,
            alerts=_burning(objective, given),
        ),
        Group(
            name=f"observekit-slo-{objective.name}-period",
            interval=given.time(_PERIOD_SECONDS),
            recordings=(_of_period(objective, given), *_of_budget(objective)),
            alerts=(_spent(objective, given),),
        ),
    )


def _recording(objective: Objective, name: str, query: Vector) -> Recording:
    return Recording(name=name, query=query, labels=_labels(objective))


def _labels(objective: Objective) -> dict[str, str]:
    return {"slo": objective.name, **objective.labels}


def _of_events(objective: Objective, given: Parameters) -> tuple[Recording, ...]:
    indicator, made = objective.indicator, []
    for window in _SCRAPED:
        name, time = duration(window), given.time(window)
        made.append(_recording(objective, f"slo:sli_requests:rate{name}", indicator.requests(time)))
        made.append(_recording(objective, f"slo:sli_errors:rate{name}", indicator.errors(time)))
        share = divided(
            _read(objective, f"slo:sli_errors:rate{name}"), _read(objective, f"slo:sli_requests:rate{name}")
        )
        made.append(_recording(objective, f"slo:sli_error:ratio_rate{name}", share))
    for window in _SUMMED:
        share = _share_over(objective, given.time(window))
        made.append(_recording(objective, f"slo:sli_error:ratio_rate{duration(window)}", share))
    return tuple(made)


def _share_over(objective: Objective, window: str) -> Vector:
    # The sum of errors through the sum of requests: a mean of ratios would give a quiet night as much weight
    # as a busy day, and one moment without traffic would make it no number.
    errors = _over("sum", objective, "slo:sli_errors:rate5m", window)
    return divided(errors, _over("sum", objective, "slo:sli_requests:rate5m", window))


def _of_slices(objective: Objective, given: Parameters) -> tuple[Recording, ...]:
    slices = objective.slices
    if slices is None:
        return ()
    window = given.time(slices.seconds)
    errors = objective.indicator.errors(window)
    share = divided(errors, objective.indicator.requests(window))
    # A slice without events has no value, and counts neither as good nor as bad.
    bad = _recording(objective, "slo:slice_bad:bool", whether(share, ">", exact(1 - slices.target)))
    return (
        bad,
        *(
            _recording(
                objective,
                f"slo:sli_error:ratio_rate{duration(each)}",
                _over("avg", objective, "slo:slice_bad:bool", given.time(each)),
            )
            for each in (*_SCRAPED, *_SUMMED)
        ),
    )


def _of_period(objective: Objective, given: Parameters) -> Recording:
    window = given.time(objective.period)
    if objective.slices:
        share = _over("avg", objective, "slo:slice_bad:bool", window)
    else:
        share = _share_over(objective, window)
    return _recording(objective, "slo:sli_error:ratio_period", share)


def _of_budget(objective: Objective) -> tuple[Recording, ...]:
    period = _read(objective, "slo:sli_error:ratio_period")
    always = f"0 * {period}"
    allowed = exact(objective.budget)
    left = Vector(f"1 - {period} / {allowed}", period.labels, loose=True)
    burn = Vector(f"{_read(objective, 'slo:sli_error:ratio_rate1h')} / {allowed}", period.labels, loose=True)
    return (
        _recording(
            objective, "slo:objective:ratio", Vector(f"{exact(objective.target)} + {always}", period.labels)
        ),
        _recording(objective, "slo:error_budget:ratio", Vector(f"{allowed} + {always}", period.labels)),
        _recording(
            objective, "slo:period:days", Vector(f"{objective.period_days} + {always}", period.labels)
        ),
        _recording(objective, "slo:error_budget_remaining:ratio_period", left),
        _recording(objective, "slo:burn_rate:ratio_rate1h", burn),
    )


def _burning(objective: Objective, given: Parameters) -> tuple[Alert, ...]:
    # A limit that not even a full outage passes would only look like an alert.
    pairs = [pair for pair in BURN_PAIRS if pair.factor(objective.period) * objective.budget < 1]
    return tuple(_pair(objective, given, pair) for pair in pairs)


def _pair(objective: Objective, given: Parameters, pair: BurnPair) -> Alert:
    long, short = duration(pair.long), duration(pair.short)
    factor = plain(pair.factor(objective.period))
    limit = plain(pair.factor(objective.period) * objective.budget)
    burning = both(
        where(_read(objective, f"slo:sli_error:ratio_rate{long}"), ">", limit),
        where(_read(objective, f"slo:sli_error:ratio_rate{short}"), ">", limit),
    )
    hours = plain(objective.period / (pair.factor(objective.period) * HOUR))
    return Alert(
        name="ErrorBudgetBurn",
        severity=pair.severity,
        condition=both(burning, where(_bad_events(objective, given, pair.long), ">=", objective.minimum_bad)),
        pending=given.time(pair.pending),
        labels={**_labels(objective), "long_window": long, "short_window": short},
        summary=(
            f"The error budget of an objective burns more than {factor} times too fast over {long} and "
            f"{short}."
        ),
        finding=(
            f"{{{{ $labels.job }}}}, objective {objective.name}: {{{{ $value | humanizePercentage }}}} of "
            "the "
            f"{'slices' if objective.slices else 'events'} of the last {long} were bad, where "
            f"{objective.told} "
            f"have to be good over {objective.period_days} days. At {factor} times the even pace the "
            "whole budget "
            f"is gone after {hours} hours."
        ),
        checks=(
            "Which routes spend it: 'Error ratio by route' and 'p95 by route' on the service board.",
            "What has changed: 'Error ratio by version' on the service board, another alert.",
            "One request as a trace, from a dot in 'Duration of requests, all of them' on the service board.",
        ),
        impact=f"What was promised is being missed: {objective.description}",
        remedy=(
            "Roll back if only the new version fails. Else take the load off what is slow or failing, and "
            "repair that. The alert ends when the short window is clean."
        ),
        false_alarms={
            "few events": f"Fewer than {objective.minimum_bad} bad events in the long window are no alert.",
            "a short blip": "Both windows have to burn, for as long as the alert waits.",
            "over already": "The short window ends it soon after the last bad event.",
        },
        board=_BOARD,
    )


def _spent(objective: Objective, given: Parameters) -> Alert:
    return Alert(
        name="ErrorBudgetSpent",
        severity="info",
        condition=where(_read(objective, "slo:error_budget_remaining:ratio_period"), "<", 0),
        pending=given.time(HOUR),
        labels=_labels(objective),
        summary=(
            f"The error budget of an objective is spent: less than 0 % is left of {objective.period_days} "
            "days."
        ),
        finding=(
            f"{{{{ $labels.job }}}}, objective {objective.name}: {{{{ $value | humanizePercentage }}}} of "
            "the "
            f"budget of {objective.period_days} days are left, where {objective.told} have to be good."
        ),
        checks=(
            "When it was spent: 'Error budget left over time' on the SLO board.",
            "Whether it still burns: 'Burn rate of the last hour' on the SLO board.",
            "What was agreed for this case, such as no releases but repairs.",
        ),
        impact="The promise for the period is missed; this is a matter for planning, nobody has to get up.",
        remedy="Put reliability before features until the budget is back, or agree on another objective.",
        false_alarms={"a budget that is just kept": "Exactly nothing left is not below nothing."},
        board=_BOARD,
    )


def _bad_events(objective: Objective, given: Parameters, window: int) -> Vector:
    if objective.slices:
        return _over("sum", objective, "slo:slice_bad:bool", given.time(window))
    # Events per second, summed once each interval.
    return scaled(
        EVALUATION_SECONDS / given.rehearsal,
        _over("sum", objective, "slo:sli_errors:rate5m", given.time(window)),
    )


def _read(objective: Objective, name: str) -> Vector:
    # Objectives of other services, in other files, may have the same name.
    own = (Matcher(label, "=", value) for label, value in _labels(objective).items())
    labels = objective.indicator.requests("1m").labels | _labels(objective).keys()
    return selected(name, labels, (*own, *objective.indicator.jobs))


def _over(function: str, objective: Objective, name: str, window: str) -> Vector:
    series = _read(objective, name)
    return Vector(f"{function}_over_time({series}[{window}])", series.labels)
