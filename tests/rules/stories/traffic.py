"""Requests that do not come, and those that nobody waited for."""

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import A, B, C, ready

_NAME = "http_server_request_duration_seconds_count"
_COUNT = f"{_NAME}{{{A}}}"
_OTHER_COUNT = f"{_NAME}{{{B}}}"
_ABORTED = 'http_server_requests_aborted_total{job="shop",instance="a",reason="client_disconnect"}'
_CANCELLED = 'http_server_requests_aborted_total{job="shop",instance="b",reason="cancelled"}'
_SHOP = {"job": "shop"}

_IDLE = 'job="idle",instance="a"'
_NIGHT = 'job="shop",instance="d"'

STORIES = (
    Story(
        alert="ObservekitTrafficStopped",
        # It goes on for as long as no request comes, long after the busy hour.
        series={_COUNT: "0+2x80 160x300 160+2x30", _OTHER_COUNT: "7x411", **ready(A, "1x411")},
        silent=94,
        firing=100,
        three={"firing": 99},
        kept=382,
        resolved=384,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitTrafficStopped",
        # Exactly 60 requests in the hour before.
        series={_COUNT: "0x20 1+1x59 60x60 61+1x30", **ready(A, "1x180")},
        silent=94,
        firing=100,
        kept=140,
        resolved=143,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitTrafficStopped",
        # The new instance has had no request, so it has no series that could stand still.
        series={
            _COUNT: "0+2x80 stale",
            **ready(A, "1x80 stale"),
            **ready(B, "_x81 1x250"),
            _OTHER_COUNT: "_x290 1+2x30",
        },
        silent=94,
        firing=100,
        three={"firing": 99},
        kept=290,
        resolved=292,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitTrafficStopped",
        # What is usual for one service, at this time a day and a week ago, is not for another.
        series={
            _COUNT: "0+2x10200 20400x400 20400+2x30",
            **ready(A, "1x10640"),
            f"{_NAME}{{{_IDLE}}}": "7x10640",
            **ready(_IDLE, "1x10640"),
        },
        silent=10_200,
        firing=10_230,
        kept=10_500,
        resolved=10_620,
        labels=_SHOP,
        step=15,
    ),
    Story(
        alert="ObservekitRequestsAborted",
        # From the 21st minute on, 4 of 40 a minute: 24 of 400 within ten minutes are the first above 5 %.
        series={
            _COUNT: "0+30x100",
            _OTHER_COUNT: "0+10x100",
            _ABORTED: "0x20 3+3x19 60x60",
            _CANCELLED: "0x20 1+1x19 20x60",
        },
        silent=25,
        firing=36,
        resolved=46,
        labels=_SHOP,
        value="10%",
    ),
    Story(
        alert="ObservekitRequestsAborted",
        # Exactly 20 of 100 within ten minutes.
        series={_COUNT: "0+10x100", _ABORTED: "0+2x40 80x60"},
        silent=9,
        firing=20,
        resolved=41,
        labels=_SHOP,
        value="20%",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="hardly any traffic",
        # 59 requests in the hour before.
        series={_COUNT: "0x20 1+1x58 59x60", **ready(A, "1x140")},
        at=(96, 100, 110),
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="the end of the day",
        # Requests for twelve hours each day, two a minute, and none in the other twelve.
        series={_COUNT: "0+2x719 1440x719 1442+2x719 2880x719", **ready(A, "1x2879")},
        at=(2176, 2184, 2200),
        step=8,
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="",
        # The same after a week of which the other days were not like this one.
        series={
            _COUNT: "0+2x719 stale",
            **ready(A, "1x719 stale"),
            **ready(B, "_x720 1x719 stale"),
            f"{_NAME}{{{C}}}": "_x1440 0+2x9359 18718x719",
            **ready(C, "_x1440 1x10079"),
        },
        at=(10_816, 10_832),
        step=16,
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="a service that is down",
        series={_COUNT: "0+2x80 stale", **ready(A, "1x80 stale")},
        at=(85, 96, 100, 110),
    ),
    FalseAlarm(
        alert="ObservekitRequestsAborted",
        name="few requests",
        # 19 of 20 within ten minutes.
        series={_COUNT: "0+2x60", _ABORTED: "0x20 0+1.9x40"},
        at=(31, 40, 50),
    ),
    FalseAlarm(
        alert="ObservekitRequestsAborted",
        name="a share within bounds",
        # Exactly 5 %.
        series={_COUNT: "0+40x60", _ABORTED: "0+2x60"},
        at=(31, 40, 50),
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="",
        # The traffic of another service is none of this one's.
        series={
            _COUNT: "0+2x120",
            **ready(A, "1x120"),
            f"{_NAME}{{{_IDLE}}}": "7x120",
            **ready(_IDLE, "1x120"),
        },
        at=(96, 110),
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="",
        # Whoever is started at the end of the day has no series all night.
        series={
            _COUNT: "0+2x719 stale",
            **ready(A, "1x719 stale"),
            **ready(B, "_x720 1x719 stale"),
            f"{_NAME}{{{C}}}": "_x1440 0+2x719 stale",
            **ready(C, "_x1440 1x719 stale"),
            **ready(_NIGHT, "_x2160 1x200"),
        },
        at=(2176, 2184, 2200),
        step=8,
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="",
        # It takes no requests yet; see NoInstanceReady.
        series={
            _COUNT: "0+2x80 stale",
            **ready(A, "1x80 stale"),
            **ready(B, "_x81 0x100"),
        },
        at=(96, 110, 150),
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="another exporter",
        # A service with such a metric of its own, and nothing of observekit.
        series={_COUNT: "0+2x80 160x60", **ready(_IDLE, "1x140")},
        at=(96, 110, 130),
    ),
)
