"""Requests that do not come, and those that nobody waited for."""

from tests.rules.promtool import FalseAlarm, Story

_COUNT = 'http_server_request_duration_seconds_count{job="shop",instance="a"}'
_OTHER_COUNT = 'http_server_request_duration_seconds_count{job="shop",instance="b"}'
_ABORTED = 'http_server_requests_aborted_total{job="shop",instance="a",reason="client_disconnect"}'
_CANCELLED = 'http_server_requests_aborted_total{job="shop",instance="b",reason="cancelled"}'
_SHOP = {"job": "shop"}

STORIES = (
    Story(
        alert="ObservekitTrafficStopped",
        series={_COUNT: "0+2x80 160x30 160+2x30", _OTHER_COUNT: "7x141"},
        silent=94,
        firing=100,
        three={"firing": 99},
        resolved=114,
        labels=_SHOP,
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
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="hardly any traffic",
        # 59 requests in the hour before.
        series={_COUNT: "0x20 1+1x58 59x60"},
        at=(96, 100, 110),
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="the end of the day",
        # Requests for twelve hours each day, two a minute, and none in the other twelve.
        series={_COUNT: "0+2x719 1440x719 1442+2x719 2880x719"},
        at=(2176, 2185, 2200),
        step=1,
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="",
        # The same after a week of which the other days were not like this one.
        series={_COUNT: "0+2x719 1440x719 1442+2x8639 18720+2x719 20160x719"},
        at=(10_816, 10_832),
        step=16,
    ),
    FalseAlarm(
        alert="ObservekitTrafficStopped",
        name="a service that is down",
        series={_COUNT: "0+1x80 stale"},
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
            'http_server_request_duration_seconds_count{job="idle",instance="a"}': "7x120",
        },
        at=(96, 110),
    ),
)
