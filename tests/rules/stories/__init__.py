"""A story for each alert, and a case for each false alarm that its runbook names."""

from tests.rules.stories import availability, health, objectives, process, telemetry, traffic

STORIES = tuple(
    story
    for room in (availability, traffic, health, process, telemetry, objectives)
    for story in room.STORIES
)
FALSE_ALARMS = tuple(
    case
    for room in (availability, traffic, health, process, telemetry, objectives)
    for case in room.FALSE_ALARMS
)
