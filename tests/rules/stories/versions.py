"""Versions of one service, side by side."""

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import OTHER, SAME_HOST, A, B, C, ready


def version(target: str, name: str, values: str) -> dict[str, str]:
    """Return who a process is."""
    return {f'target_info{{{target},service_version="{name}"}}': values}


STORIES = (
    Story(
        alert="ObservekitVersionSkew",
        series={
            **version(A, "1", "1x300"),
            **version(B, "1", "1x9 _x300"),
            **version('job="shop",instance="c"', "2", "_x9 1x150 _x100"),
            **ready(A, "1x300"),
            **ready(B, "1x300"),
            **ready('job="shop",instance="c"', "1x300"),
        },
        silent=8,
        firing=129,
        resolved=166,
        severity="info",
        labels={"job": "shop"},
        value="2",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitVersionSkew",
        name="a deployment",
        series={
            **version(A, "1", "1x60"),
            **version(B, "2", "_x9 1x300"),
            **ready(A, "1x60"),
            **ready(B, "1x300"),
        },
        at=(61, 129, 180),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitVersionSkew",
        name="two services",
        series={
            **version(A, "1", "1x300"),
            **version(OTHER, "2", "1x300"),
            **ready(A, "1x300"),
            **ready(OTHER, "1x300"),
        },
        at=(10, 200),
    ),
    FalseAlarm(
        alert="ObservekitVersionSkew",
        name="",
        series={
            **version(A, "1", "1x300"),
            **version(C, "2", "1x300"),
            **version(SAME_HOST, "1", "1x300"),
            **version(SAME_HOST, "2", "1x300"),
            **ready(A, "1x300"),
        },
        at=(10, 200),
    ),
)
