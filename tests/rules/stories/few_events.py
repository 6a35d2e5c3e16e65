"""As many bad events as an alert of a budget that burns is about, fewer, and those of a moment."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import A
from tests.rules.stories.objectives import availability, latency

_BURN = "ObservekitErrorBudgetBurn"
_NAME = "http_server_request_duration_seconds"


def _nothing_good(minutes: int) -> str:
    """Return a counter of 1.125 bad requests a minute, for so many *minutes*, and of none then."""
    return f"0+1.125x{minutes} {minutes * 1.125:g}x400"


def _all_fail(minutes: int) -> dict[str, str]:
    return {f'{_NAME}_count{{{A},http_response_status_code="503"}}': _nothing_good(minutes)}


def _all_slow(minutes: int) -> dict[str, str]:
    return {
        f'{_NAME}_bucket{{{A},http_response_status_code="200",le="1.0"}}': "0x600",
        f'{_NAME}_count{{{A},http_response_status_code="200"}}': _nothing_good(minutes),
    }


@dataclass(frozen=True, kw_only=True)
class _Few:
    """When as many bad events as it takes to be told of have come, and nothing good beside them.

    The estimate counts each evaluation for 30 s, so where one is made each minute it takes twice as many bad
    events, and every 5 minutes ten times as many.
    """

    long: str
    short: str
    minutes: int
    firing: int
    resolved: int
    severity: str = "warning"
    step: int = 5


_FEW = (
    _Few(long="1h", short="5m", minutes=30, firing=22, resolved=37, severity="critical", step=1),
    _Few(long="6h", short="30m", minutes=30, firing=35, resolved=62, severity="critical", step=1),
    _Few(long="1d", short="2h", minutes=150, firing=150, resolved=280),
    _Few(long="3d", short="6h", minutes=150, firing=270, resolved=520),
)


def _enough_events() -> Iterator[Story]:
    for slo, series in (("http-availability", _all_fail), ("http-latency", _all_slow)):
        for few in _FEW:
            yield Story(
                alert=_BURN,
                label_of_pair=f"{slo}.{few.long}",
                # 16 are enough, and fewer than twice as many as it takes.
                series=series(few.minutes),
                silent=15 * few.step,
                firing=few.firing,
                resolved=few.resolved,
                labels={"job": "shop", "slo": slo, "long_window": few.long, "short_window": few.short},
                value="100%",
                severity=few.severity,
                step=few.step,
            )


def _few_events() -> Iterator[FalseAlarm]:
    for slo, series in (("http-availability", _all_fail), ("http-latency", _all_slow)):
        for few in _FEW:
            yield FalseAlarm(
                alert=_BURN,
                name="few events",
                label_of_pair=f"{slo}.{few.long}",
                # 7 events, and not one that is good.
                series=series(13 * few.step),
                at=(12 * few.step, 13 * few.step, 14 * few.step),
                step=few.step,
            )


def _blips() -> Iterator[FalseAlarm]:
    # The short window in minutes, how many of a thousand are bad for 10 minutes, and the step.
    blips = (("1h", 5, 20, 1), ("6h", 30, 50, 1), ("1d", 120, 100, 5), ("3d", 360, 100, 5))
    for slo, times, series in (("http-availability", 1, availability), ("http-latency", 10, latency)):
        for long, short, bad, step in blips:
            begin = 30 + short + 5
            # Half an hour of many requests stands for all that the long window sees beside the short one.
            yield FalseAlarm(
                alert=_BURN,
                name="a short blip",
                label_of_pair=f"{slo}.{long}",
                series=series((0, 30, 100_000), (0, short + 5), (bad * times, 10), (0, 30)),
                at=(begin + 10, begin + 10 + step),
                step=step,
            )


STORIES = tuple(_enough_events())
FALSE_ALARMS = (*_few_events(), *_blips())
