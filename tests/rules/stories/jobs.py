"""Jobs."""

from tests.rules.promtool import FalseAlarm, Story

_LAST = 'job_last_success_timestamp_seconds{job="shop",instance="%s",job_name="invoices"}'
_PERIOD = 'job_period_seconds{job="shop",instance="%s",job_name="invoices"}'
_ALERT = "ObservekitJobNotSucceeding"
_LABELS = {"job": "shop", "job_name": "invoices"}

# A daily job is late after 95,040 s, so that 1,585 minutes are the first above.
STORIES = (
    Story(
        alert=_ALERT,
        series={
            _LAST % "a": "0x1619 97200x60",
            _LAST % "b": "0x1690",
            _PERIOD % "a": "86400x1690",
            _PERIOD % "b": "86400x1690",
        },
        silent=1584,
        firing=1595,
        resolved=1620,
        labels=_LABELS,
        value="1d 2h 35m 0s",
    ),
    Story(
        alert=_ALERT,
        # Declared five minutes later, and never done since.
        series={_LAST % "a": "_x1650 99000x60", _PERIOD % "a": "_x5 86400x1800"},
        silent=1589,
        firing=1600,
        resolved=1652,
        labels=_LABELS,
        value="1d 2h 35m 0s",
    ),
    Story(
        alert=_ALERT,
        # The process that did it is gone, and the next one knows nothing of it.
        series={
            _LAST % "a": "0x99 stale _x1520 97200x60",
            _PERIOD % "a": "86400x99 stale",
            _PERIOD % "b": "_x110 86400x1700",
        },
        silent=1584,
        firing=1595,
        resolved=1622,
        labels=_LABELS,
        value="1d 2h 35m 0s",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert=_ALERT,
        name="a job that takes longer",
        series={_LAST % "a": "0x1583 95040x1583", _PERIOD % "a": "86400x3160"},
        at=(1441, 1584, 3100),
    ),
    FalseAlarm(
        alert=_ALERT,
        name="one of two instances",
        series={
            _LAST % "a": "0x1700",
            _LAST % "b": "36000x1700",
            _PERIOD % "a": "86400x1700",
            _PERIOD % "b": "86400x1700",
        },
        at=(1600, 1700),
    ),
    FalseAlarm(
        alert=_ALERT,
        name="a restart",
        # Done ten hours before the process that did it was replaced.
        series={
            _LAST % "a": "_x600 36000x600 stale",
            _PERIOD % "a": "86400x1200 stale",
            _PERIOD % "b": "_x1205 86400x1000",
        },
        at=(1590, 1700, 2100),
    ),
    FalseAlarm(
        alert=_ALERT,
        name="an operation without a period",
        series={
            _LAST % "a": "0x3000",
            'job_period_seconds{job="other",instance="a",job_name="invoices"}': "864000x3000",
        },
        at=(1700, 2900),
    ),
    FalseAlarm(
        alert=_ALERT,
        name="a job that is gone",
        series={_LAST % "a": "0x3000", _PERIOD % "a": "86400x1000 stale"},
        at=(1700, 2900),
    ),
)
