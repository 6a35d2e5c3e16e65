"""Error budgets that burn, at all four paces, and those that do not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import A

_BURN = "ObservekitErrorBudgetBurn"
_NAME = "http_server_request_duration_seconds"
_REQUESTS = 1000
"""As many each minute."""


def _line(start: int, each: int, minutes: int) -> str:
    """Return *minutes* samples of a counter that was *start* before them and grows by *each*."""
    return f"{start + each}+{each}x{minutes - 1}" if each else f"{start}x{minutes - 1}"


def _counter(*pieces: tuple[int, int]) -> str:
    """Return a counter of pieces: how much it grows each minute, and for how many minutes."""
    written, total = ["0"], 0
    for each, minutes in pieces:
        written.append(_line(total, each, minutes))
        total += each * minutes
    return " ".join(written)


def _all(pieces: tuple[tuple[int, ...], ...], requests: int) -> list[int]:
    return [piece[2] if len(piece) > 2 else requests for piece in pieces]


def availability(*pieces: tuple[int, ...], requests: int = _REQUESTS) -> dict[str, str]:
    """Return requests of which as many fail each minute, for as many minutes, as *pieces* say.

    A third number of a piece is how many requests there are in place of *requests*.
    """
    name = f'{_NAME}_count{{{A},http_response_status_code="'
    each = zip(pieces, _all(pieces, requests), strict=True)
    return {
        f'{name}200"}}': _counter(*((every - piece[0], piece[1]) for piece, every in each)),
        f'{name}503"}}': _counter(*((piece[0], piece[1]) for piece in pieces)),
    }


def latency(*pieces: tuple[int, ...], requests: int = _REQUESTS) -> dict[str, str]:
    """Return requests of which as many are slow each minute, and as many again that fail slowly."""
    each = list(zip(pieces, _all(pieces, requests), strict=True))
    served = _counter(*((every, piece[1]) for piece, every in each))
    quick = _counter(*((every - piece[0], piece[1]) for piece, every in each))
    return {
        f'{_NAME}_bucket{{{A},http_response_status_code="200",le="1.0"}}': quick,
        f'{_NAME}_bucket{{{A},http_response_status_code="200",le="2.5"}}': served,
        f'{_NAME}_count{{{A},http_response_status_code="200"}}': served,
        f'{_NAME}_count{{{A},http_response_status_code="500"}}': served,
    }


@dataclass(frozen=True, kw_only=True)
class _Pace:
    """When a share of bad requests in a thousand, from *begin* to *end*, is seen by a pair of windows."""

    long: str
    short: str
    bad: int
    begin: int
    end: int
    silent: int
    firing: int
    # Of a short window of half or twice the limit, one of both would be wrong.
    kept: int
    resolved: int
    value: str
    value_of_latency: str
    three: tuple[Mapping[str, object], Mapping[str, object]]
    severity: str
    step: int = 1


# Reckoned by hand: a long window sees k bad minutes in N as k * bad / (N * 1000), the limit is 14.4, 6, 3 and
# 1 times the budget of 0.001; for latency, all of it is ten times as much.
_PACES = (
    _Pace(
        long="1h",
        short="5m",
        bad=100,
        begin=70,
        end=100,
        silent=78,
        firing=81,
        kept=103,
        resolved=106,
        value="1.833%",
        value_of_latency="18.33%",
        three=({"value": "1.834%"}, {"value": "18.64%"}),
        severity="critical",
    ),
    _Pace(
        long="6h",
        short="30m",
        bad=50,
        begin=400,
        end=520,
        silent=445,
        firing=461,
        kept=545,
        resolved=548,
        value="0.8172%",
        value_of_latency="8.172%",
        three=({"value": "0.8195%"}, {"firing": 460, "value": "8.125%"}),
        severity="critical",
    ),
    _Pace(
        long="1d",
        short="2h",
        bad=20,
        begin=1500,
        end=2000,
        silent=1715,
        firing=1780,
        kept=2095,
        resolved=2115,
        value="0.3875%",
        value_of_latency="3.875%",
        three=({"value": "0.3889%"}, {"value": "3.889%"}),
        severity="warning",
        step=5,
    ),
    _Pace(
        long="3d",
        short="6h",
        bad=10,
        begin=4500,
        end=5300,
        silent=4930,
        firing=5115,
        kept=5610,
        resolved=5640,
        value="0.1422%",
        value_of_latency="1.422%",
        three=({"value": "0.1424%"}, {"value": "1.424%"}),
        severity="warning",
        step=5,
    ),
)


def _stories() -> Iterator[Story]:
    for slo, times, series in (("http-availability", 1, availability), ("http-latency", 10, latency)):
        for pace in _PACES:
            yield Story(
                alert=_BURN,
                label_of_pair=f"{slo}.{pace.long}",
                series=series((0, pace.begin), (pace.bad * times, pace.end - pace.begin), (0, 600)),
                silent=pace.silent,
                firing=pace.firing,
                kept=pace.kept,
                resolved=pace.resolved,
                labels={"job": "shop", "slo": slo, "long_window": pace.long, "short_window": pace.short},
                value=pace.value if times == 1 else pace.value_of_latency,
                three=pace.three[times != 1],
                severity=pace.severity,
                step=pace.step,
            )
        # Just above the limit, so that the short window could be no less strict.
        yield Story(
            alert=_BURN,
            label_of_pair=f"{slo}.1h",
            series=series((0, 70), (20 * times, 60), (0, 60)),
            silent=113,
            firing=116,
            kept=130,
            resolved=133,
            labels={"job": "shop", "slo": slo, "long_window": "1h", "short_window": "5m"},
            value="1.533%" if times == 1 else "15.33%",
            three={"value": "1.534%"} if times == 1 else {"firing": 115, "value": "15.25%"},
            severity="critical",
        )
        yield Story(
            alert="ObservekitErrorBudgetSpent",
            label_of_pair=slo,
            series=series((0, 600), (20 * times, 100), (0, 1600)),
            silent=630,
            firing=695,
            resolved=2010,
            labels={"job": "shop", "slo": slo},
            value="-173.4%",
            severity="info",
            step=5,
        )


STORIES = tuple(_stories())

_FAST = "http-availability.1h"
FALSE_ALARMS = (
    FalseAlarm(
        alert=_BURN,
        name="over already",
        label_of_pair=_FAST,
        # All failed for half an hour, so the long window stays high for another half.
        series=availability((0, 70), (1000, 30), (0, 90)),
        at=(106, 110, 120, 130),
    ),
    *(
        FalseAlarm(
            alert=_BURN,
            name="over already",
            label_of_pair=f"{slo}.1h",
            # It goes on below the limit.
            series=series((0, 70), (1000, 30), (times * 10, 90)),
            at=(106, 110, 120),
        )
        for slo, times, series in (("http-availability", 1, availability), ("http-latency", 10, latency))
    ),
    # So many that the rates of 5 minutes are numbers without a rest, and nothing left is exactly nothing.
    *(
        FalseAlarm(
            alert="ObservekitErrorBudgetSpent",
            name="a budget that is just kept",
            label_of_pair=slo,
            series=series,
            at=(500, 1000, 1600),
            step=5,
        )
        for slo, series in (
            ("http-availability", availability((45, 1600), requests=45_000)),
            ("http-latency", latency((15, 1600), requests=1500)),
        )
    ),
)
