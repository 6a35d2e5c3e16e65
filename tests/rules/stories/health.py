"""Readiness, checks, life cycle."""

from tests.rules.promtool import FalseAlarm, Story

A = 'job="shop",instance="a"'
B = 'job="shop",instance="b"'
_SHOP = {"job": "shop", "instance": "a"}


def check(
    target: str, name: str, values: str, *, probe: str = "readiness", need: str = "required"
) -> dict[str, str]:
    """Return the results of a health check."""
    labels = f'{target},check="{name}",probe="{probe}",criticality="{need}"'
    return {f"observekit_health_check_status{{{labels}}}": values}


def state(target: str, name: str, values: str) -> dict[str, str]:
    """Return whether a process is in a state of its life."""
    return {f'observekit_lifecycle_state{{{target},state="{name}"}}': values}


_FAILING = "1x9 0x9 1x30"
_DATABASE = {**_SHOP, "check": "database"}

STORIES = (
    Story(
        alert="ObservekitReadinessFailing",
        series={**check(A, "database", _FAILING), **check(B, "database", "1x60"), **check(A, "disk", "1x60")},
        silent=9,
        firing=12,
        resolved=20,
        labels=_DATABASE,
    ),
    Story(
        alert="ObservekitNoInstanceReady",
        series={
            **check(A, "database", "1x5 0x13 1x30"),
            **check(A, "disk", "1x60"),
            **check(B, "database", _FAILING),
        },
        silent=9,
        firing=12,
        resolved=20,
        severity="critical",
        labels={"job": "shop"},
    ),
    Story(
        alert="ObservekitNoInstanceReady",
        # One starts and its checks are fine, the other is ready and one of its checks is not: nobody serves.
        series={
            **state(A, "ready", "1x9 0x9 1x30"),
            **check(A, "database", "1x60"),
            **state(B, "ready", "1x60"),
            **check(B, "database", "1x60"),
            **check(B, "disk", "0x60"),
        },
        silent=9,
        firing=12,
        resolved=20,
        severity="critical",
        labels={"job": "shop"},
    ),
    Story(
        alert="ObservekitNoInstanceReady",
        # The same of two workers of one instance.
        series={
            **state(f'{A},worker="0"', "ready", "1x9 0x9 1x30"),
            **check(f'{A},worker="0"', "database", "1x60"),
            **state(f'{A},worker="1"', "ready", "1x60"),
            **check(f'{A},worker="1"', "database", "0x60"),
        },
        silent=9,
        firing=12,
        resolved=20,
        severity="critical",
        labels={"job": "shop"},
    ),
    Story(
        alert="ObservekitNoInstanceReady",
        series={
            **state(A, "ready", "1x5 0x13 1x30"),
            **state(B, "ready", "1x9 0x5 1x30"),
            **check(B, "database", "1x60"),
        },
        silent=9,
        firing=12,
        resolved=16,
        severity="critical",
        labels={"job": "shop"},
    ),
    Story(
        alert="ObservekitHealthCheckFailing",
        series={
            **check(A, "mail", "1x9 0x9 0.5x30", need="degraded"),
            **check(A, "x", "0x60", probe="startup"),
        },
        silent=9,
        firing=15,
        resolved=20,
        labels={**_SHOP, "check": "mail", "probe": "readiness"},
    ),
    Story(
        alert="ObservekitHealthCheckFailing",
        series={
            **check(A, "stuck", _FAILING, probe="liveness"),
            **check(B, "stuck", "1x60", probe="liveness"),
        },
        silent=9,
        firing=15,
        resolved=20,
        labels={**_SHOP, "check": "stuck", "probe": "liveness"},
    ),
    Story(
        alert="ObservekitReadinessFlapping",
        series={**check(A, "database", "1x9 0 1 0 1 0 1x60"), **check(B, "database", "1x9 0 1 0 1x60")},
        silent=14,
        firing=16,
        # Six changes are in sight for ten minutes, and it is kept for fifteen more.
        kept=38,
        resolved=42,
        labels=_DATABASE,
        value="6",
    ),
    Story(
        alert="ObservekitStuckStarting",
        series={
            **state(A, "starting", "0x9 1x9 0x9"),
            **state(B, "starting", "0x30"),
            **state(B, "ready", "1x30"),
        },
        silent=9,
        firing=15,
        resolved=20,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitStuckDraining",
        series={
            **state(A, "draining", "0x9 1x9 0x9"),
            **state(B, "draining", "0x30"),
            **state(B, "ready", "1x30"),
        },
        silent=9,
        firing=15,
        resolved=20,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitLifecycleBroken",
        series={
            **state(A, "broken", "0x9 1x9 0x9"),
            **state(B, "broken", "0x30"),
            **state(B, "ready", "1x30"),
        },
        silent=9,
        firing=11,
        resolved=20,
        labels=_SHOP,
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitReadinessFailing",
        name="a short failure",
        series=check(A, "database", "1x9 0x1 1x30"),
        at=(10, 11, 12, 13),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitReadinessFailing",
        name="liveness",
        series=check(A, "database", "0x60", probe="liveness"),
        at=(5, 30),
    ),
    FalseAlarm(
        alert="ObservekitReadinessFailing",
        name="an optional check",
        series={**check(A, "mail", "0x60", need="degraded"), **check(A, "note", "0x60", need="info")},
        at=(5, 30),
    ),
    FalseAlarm(
        alert="ObservekitNoInstanceReady",
        name="one instance of two",
        series={
            **check(A, "database", "0x60"),
            **check(B, "database", "1x60"),
            **check(B, "mail", "0x60", need="degraded"),
            **check(B, "stuck", "0x60", probe="liveness"),
            **state(A, "ready", "0x60"),
            **state(B, "ready", "1x60"),
        },
        at=(5, 30),
    ),
    FalseAlarm(
        alert="ObservekitNoInstanceReady",
        name="a start of a single instance",
        series=state(A, "ready", "1x9 0x1 1x30"),
        at=(10, 11, 12),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitHealthCheckFailing",
        name="a short failure",
        series=check(A, "mail", "1x9 0x4 1x30", need="info"),
        at=(10, 14, 15),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitHealthCheckFailing",
        name="a required check",
        series=check(A, "database", "0x60"),
        at=(5, 30),
    ),
    FalseAlarm(
        alert="ObservekitHealthCheckFailing",
        name="start-up",
        series={
            **check(A, "warm", "0x60", probe="startup"),
            **check(A, "x", "0x60", probe="startup", need="info"),
        },
        at=(5, 30),
    ),
    FalseAlarm(
        alert="ObservekitReadinessFlapping",
        name="a failover",
        series={**check(A, "database", "1x9 0x3 1x30"), **check(A, "x", "0 1 0 1 0 1 0 1", probe="liveness")},
        at=(7, 8, 14, 16, 20),
    ),
    FalseAlarm(
        alert="ObservekitReadinessFlapping",
        name="changes far apart",
        series=check(A, "database", "1x9 0x3 1x3 0x3 1x3 0x3 1x3 0x3 1x60"),
        at=(20, 25, 30, 40),
    ),
    FalseAlarm(
        alert="ObservekitStuckStarting",
        name="an ordinary start",
        series={**state(A, "starting", "1x4 0x30"), **state(A, "draining", "1x30")},
        at=(1, 4, 5, 6),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitStuckDraining",
        name="an ordinary drain",
        series={**state(A, "draining", "0x9 1x4 0x9"), **state(A, "starting", "1x30")},
        at=(10, 14, 15, 16),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitLifecycleBroken",
        name="a passing state",
        series={**state(A, "broken", "0x9 1x0 0x9"), **state(A, "stopped", "1x30")},
        at=(10, 11, 12),
        pending=True,
    ),
)
