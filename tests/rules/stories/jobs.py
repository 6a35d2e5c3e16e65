"""Jobs."""

from tests.rules.promtool import FalseAlarm, Story

_NAME = 'job_last_success_timestamp_seconds{job="shop",instance="%s",job_name="invoices"}'
_HOURS = 60

STORIES = (
    Story(
        alert="ObservekitJobNotSucceeding",
        # At the start, and again after 27 hours: 1561 minutes are the first above 26 hours.
        series={_NAME % "a": "0x1619 97200x60", _NAME % "b": "0x1690"},
        silent=26 * _HOURS,
        firing=1571,
        resolved=1620,
        labels={"job": "shop", "job_name": "invoices"},
        value="1d 2h 11m 0s",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitJobNotSucceeding",
        name="a daily job",
        series={_NAME % "a": "0x1440 86400x1440"},
        at=(1441, 1560, 2800),
    ),
    FalseAlarm(
        alert="ObservekitJobNotSucceeding",
        name="one of two instances",
        series={_NAME % "a": "0x1700", _NAME % "b": "36000x1700"},
        at=(1600, 1700),
    ),
)
