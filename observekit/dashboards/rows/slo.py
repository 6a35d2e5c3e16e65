"""Objectives: what is left of the budget, how fast it goes, and on what."""

from observekit.dashboards.conditions import JOB
from observekit.dashboards.limits import BUDGET_LEFT, BURN_RATE, NONE_WANTED, Thresholds
from observekit.dashboards.panels import Panel, Row, Scale
from observekit.dashboards.plain import lines, numbers
from observekit.dashboards.promql import Vector, divided, max_by, min_by, sum_by
from observekit.dashboards.recorded import firing, recorded
from observekit.dashboards.scope import OBJECTIVE

_NAME = "{{job}}: {{slo}}"
_KEY = (*JOB, "slo")
_EMPTY = "no traffic, or no rules"


def budget() -> Row:
    """Return the row on what is left."""
    return Row("Error budget", (_left(), _fastest(), _firing(), _left_over_time()))


def burning() -> Row:
    """Return the row on how fast the budget goes."""
    return Row("Burn rate", (_rates(), _windows(), _share(), _bad()))


def _budget_of(name: str) -> Vector:
    # A burn rate is the share of bad events by the share that may be bad.
    return divided(
        max_by(recorded(name, *OBJECTIVE), *_KEY),
        max_by(recorded("slo:error_budget:ratio", *OBJECTIVE), *_KEY),
    )


def _left() -> Panel:
    return numbers(
        "Error budget left",
        "What is left of the errors that the objective allows over its period. Below 0 % it is missed; "
        "below a quarter think twice about risky releases. Spent fast: see Burn rate.",
        "percentunit",
        (min_by(recorded("slo:error_budget_remaining:ratio_period", *OBJECTIVE), *_KEY), _NAME),
        width=10,
        thresholds=BUDGET_LEFT,
        scale=Scale(decimals=1, empty=_EMPTY),
    )


def _fastest() -> Panel:
    return numbers(
        "Burn rate of the last hour",
        "How many times faster than evenly the budget goes. At 1 it lasts exactly for the period, at 14.4 "
        "for two days: then somebody is woken. Look at the service board for the routes that fail.",
        "short",
        (max_by(recorded("slo:burn_rate:ratio_rate1h", *OBJECTIVE), *_KEY), _NAME),
        width=9,
        thresholds=BURN_RATE,
        scale=Scale(lowest=0, decimals=1, empty=_EMPTY),
    )


def _firing() -> Panel:
    return numbers(
        "Alerts of burning",
        "Alerts about these objectives that fire now, by the long window. The runbook has a section for "
        "them, ErrorBudgetBurn.",
        "short",
        (sum_by(firing(*OBJECTIVE), "slo", "long_window"), "{{slo}} {{long_window}}"),
        width=5,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="none fires, or no rules are loaded"),
    )


def _left_over_time() -> Panel:
    return lines(
        "Error budget left over time",
        "A step down is an incident, a slope is something that fails all the time. It rises again as old "
        "errors leave the period.",
        "percentunit",
        (min_by(recorded("slo:error_budget_remaining:ratio_period", *OBJECTIVE), *_KEY), _NAME),
        width=24,
        thresholds=BUDGET_LEFT,
        scale=Scale(empty=_EMPTY),
    )


def _rates() -> Panel:
    return _burn(
        "Burn rate over 5 minutes and 1 hour",
        "The pair of windows that wakes somebody: both have to be above 14.4 (for 30 days). The short one "
        "falls as soon as it is over.",
        ("5m", "1h"),
    )


def _windows() -> Panel:
    return _burn(
        "Burn rate over 6 hours and 3 days",
        "Slow burning: above 6 over 6 hours somebody is woken, above 1 over 3 days somebody has to look "
        "within the day. Above 1 for long means that the objective will be missed.",
        ("6h", "3d"),
    )


def _burn(title: str, description: str, windows: tuple[str, str]) -> Panel:
    targets = ((_budget_of(f"slo:sli_error:ratio_rate{each}"), f"{_NAME} {each}") for each in windows)
    return lines(
        title, description, "short", *targets, thresholds=BURN_RATE, scale=Scale(lowest=0, empty=_EMPTY)
    )


def _share() -> Panel:
    good = Thresholds("blue")
    return lines(
        "Bad events, and how many may be",
        "Share of bad events of the last 5 minutes beside the share that the objective allows. Above the "
        "allowed line the budget shrinks.",
        "percentunit",
        (max_by(recorded("slo:sli_error:ratio_rate5m", *OBJECTIVE), *_KEY), _NAME),
        (max_by(recorded("slo:error_budget:ratio", *OBJECTIVE), "slo"), "allowed: {{slo}}"),
        thresholds=good,
        scale=Scale(lowest=0, empty=_EMPTY),
    )


def _bad() -> Panel:
    return lines(
        "Bad events per second",
        "What the budget is spent on. Few events with a high share: the service has hardly any traffic, and "
        "a longer period or a minimum of bad events fits it better.",
        "cps",
        (sum_by(recorded("slo:sli_errors:rate5m", *OBJECTIVE), *_KEY), _NAME),
        scale=Scale(lowest=0, empty=_EMPTY),
    )


def promises() -> Row:
    """Return the row on what was promised."""
    return Row("What was promised", (_objective(), _period()))


def _objective() -> Panel:
    return numbers(
        "Objective",
        "The share of good events, or slices, that was promised. Change it where it is written, in the "
        "options of observekit rules or in its OpenSLO file.",
        "percentunit",
        (max_by(recorded("slo:objective:ratio", *OBJECTIVE), "slo"), "{{slo}}"),
        width=12,
        scale=Scale(decimals=2, empty=_EMPTY),
    )


def _period() -> Panel:
    return numbers(
        "Days of the period",
        "Over how many days the objective is reckoned. Prometheus has to keep its data for as long "
        "(--storage.tsdb.retention.time), or the budget left is that of a shorter time.",
        "d",
        (max_by(recorded("slo:period:days", *OBJECTIVE), "slo"), "{{slo}}"),
        width=12,
        scale=Scale(decimals=0, empty="no rules"),
    )
