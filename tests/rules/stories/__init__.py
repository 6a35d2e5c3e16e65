"""A story for each alert, and a case for each false alarm that its runbook names."""

from tests.rules.stories import (
    availability,
    few_events,
    health,
    jobs,
    objectives,
    process,
    telemetry,
    traffic,
    versions,
)

_ROOMS = (availability, versions, traffic, health, jobs, process, telemetry, objectives, few_events)

STORIES = tuple(story for room in _ROOMS for story in room.STORIES)
FALSE_ALARMS = tuple(case for room in _ROOMS for case in room.FALSE_ALARMS)
