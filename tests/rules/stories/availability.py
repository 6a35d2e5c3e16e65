"""Targets, services, restarts."""

from tests.rules.promtool import FalseAlarm, Story

A = 'job="shop",instance="a"'
B = 'job="shop",instance="b"'
C = 'job="shop",instance="c"'
OTHER = 'job="node",instance="a"'
SAME_HOST = 'job="proxy",instance="a"'
STRANGER = 'job="proxy",instance="z"'


def ready(target: str, values: str) -> dict[str, str]:
    """Return what only a process with observekit shows."""
    return {f'observekit_lifecycle_state{{{target},state="ready"}}': values}


def up(target: str, values: str) -> dict[str, str]:
    """Return what Prometheus writes about a target."""
    return {f"up{{{target}}}": values}


_SHOP = {"job": "shop", "instance": "a"}
_STARTED = "process_start_time_seconds"

STORIES = (
    Story(
        alert="ObservekitTargetDown",
        series={**up(A, "1x9 0x9 1x9"), **ready(A, "1x9 _x9 1x9")},
        silent=9,
        firing=12,
        resolved=20,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitTargetDown",
        # One of two: the other is not told of.
        series={**up(A, "1x9 0x9 1x9"), **ready(A, "1x9 _x9 1x9"), **up(B, "1x28"), **ready(B, "1x28")},
        silent=9,
        firing=12,
        resolved=20,
        labels=_SHOP,
    ),
    Story(
        alert="ObservekitServiceDown",
        # Another service is up on the same host, and another exporter of the service.
        series={
            **up(OTHER, "1x30"),
            **up(C, "1x30"),
            **up(A, "1x5 0x14 1x9"),
            **ready(A, "1x5"),
            **up(B, "1x9 0x9 1x9"),
            **ready(B, "1x9 _x9 1x9"),
        },
        silent=9,
        firing=11,
        resolved=20,
        severity="critical",
        labels={"job": "shop"},
    ),
    Story(
        alert="ObservekitServiceDown",
        # All instances were replaced by one that has never answered.
        series={
            **up(A, "1x9 stale"),
            **ready(A, "1x9 stale"),
            **up(B, "_x10 0x399 1x9"),
            **ready(B, "_x410 1x9"),
            **up(OTHER, "1x420"),
            **ready(OTHER, "1x420"),
        },
        silent=9,
        firing=11,
        kept=409,
        resolved=410,
        labels={"job": "shop"},
        severity="critical",
    ),
    Story(
        alert="ObservekitServiceAbsent",
        series={
            **up(A, "1x9 stale _x24 1x9"),
            **ready(A, "1x9 stale _x24 1x9"),
            **up(B, "1x9 stale"),
            **ready(B, "1x9 stale"),
            **up(OTHER, "1x60"),
            **ready(OTHER, "1x60"),
        },
        silent=9,
        firing=20,
        resolved=36,
        labels={"job": "shop"},
        value="1970-01-01 00:09:00 +0000 UTC",
    ),
    # Days later it is still told, long after the last sample of what is missing has left every window.
    Story(
        alert="ObservekitTargetDown",
        series={
            **up(A, "1x99 0x4400 1x99"),
            **ready(A, "1x99 stale _x4399 1x99"),
            **up(B, "1x4600"),
            **ready(B, "1x4600"),
        },
        silent=90,
        firing=110,
        kept=4490,
        resolved=4510,
        labels=_SHOP,
        step=10,
    ),
    Story(
        alert="ObservekitServiceDown",
        series={**up(A, "1x99 0x4400 1x99"), **ready(A, "1x99 stale _x4399 1x99")},
        silent=90,
        firing=110,
        kept=4490,
        resolved=4510,
        labels={"job": "shop"},
        severity="critical",
        step=10,
    ),
    Story(
        alert="ObservekitServiceAbsent",
        series={**up(A, "1x99 stale _x8999 1x99"), **ready(A, "1x99 stale _x8999 1x99")},
        silent=90,
        firing=110,
        kept=9090,
        resolved=9110,
        labels={"job": "shop"},
        value="1970-01-01 01:30:00 +0000 UTC",
        step=10,
    ),
    Story(
        alert="ObservekitRestarting",
        series={f"{_STARTED}{{{A}}}": "10x10 11 12 13x60", **ready(A, "1x80")},
        silent=12,
        firing=14,
        kept=34,
        # The changes leave the window after 15 minutes, and it is kept for 10 more.
        resolved=37,
        labels=_SHOP,
        value="3",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitTargetDown",
        name="one scrape missed",
        series={**up(A, "1x9 0x1 1x9"), **ready(A, "1x20")},
        at=(10, 11, 12, 13),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitTargetDown",
        name="another exporter",
        series={**up(OTHER, "1x9 0x20"), **ready(A, "1x30"), **up(A, "1x30")},
        at=(12, 25),
    ),
    FalseAlarm(
        alert="ObservekitTargetDown",
        name="taken out of discovery",
        series={**up(A, "1x9 stale"), **ready(A, "1x9 stale")},
        at=(12, 25),
    ),
    FalseAlarm(
        alert="ObservekitServiceDown",
        name="one instance of two",
        series={**up(A, "1x9 0x20"), **ready(A, "1x9"), **up(B, "1x30"), **ready(B, "1x30")},
        at=(11, 25),
    ),
    FalseAlarm(
        alert="ObservekitServiceDown",
        name="a quick restart",
        series={**up(A, "1x9 0 1x9"), **ready(A, "1x20")},
        at=(10, 11, 12),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitServiceAbsent",
        name="targets that are down",
        series={**up(A, "1x9 0x40"), **ready(A, "1x9")},
        at=(20, 40),
    ),
    FalseAlarm(
        alert="ObservekitServiceAbsent",
        name="discovery pauses",
        series={**up(A, "1x9 stale _x7 1x9"), **ready(A, "1x9 stale _x7 1x9")},
        at=(10, 16, 25),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitServiceAbsent",
        name="gone for good",
        series={**up(A, "1x9 stale _x20000"), **ready(A, "1x9 stale _x20000")},
        at=(10_100, 11_000, 15_000),
        step=10,
    ),
    FalseAlarm(
        alert="ObservekitTargetDown",
        name="",
        # It answers, and shows nothing of ours any more; whoever was there before is another one.
        series={**up(A, "1x2990 0x9"), **ready(A, "1x9 stale _x2990")},
        at=(2992, 2998),
    ),
    FalseAlarm(
        alert="ObservekitRestarting",
        name="a deployment",
        series={f"{_STARTED}{{{A}}}": "10x10 11 12x60", **ready(A, "1x80")},
        at=(12, 14, 20),
    ),
    FalseAlarm(
        alert="ObservekitRestarting",
        name="pods with new names",
        series={
            **{
                f'{_STARTED}{{job="shop",instance="{number}"}}': f"_x{number} {number}x60"
                for number in range(1, 9)
            },
            **{
                key: value
                for number in range(1, 9)
                for key, value in ready(f'job="shop",instance="{number}"', "1x60").items()
            },
        },
        at=(9, 12, 20),
    ),
    # Of the same service or on the same host as one of ours, and none itself.
    *(
        FalseAlarm(
            alert="ObservekitTargetDown",
            name="",
            series={**up(C, "1x9 0x20"), **ready(A, "1x30"), **ready(OTHER, "1x30"), **up(A, "1x30")},
            at=(12, 25),
        ),
        FalseAlarm(
            alert="ObservekitServiceDown",
            name="",
            # One of the new instances answers, if nothing of ours.
            series={
                **up(A, "1x9 stale"),
                **ready(A, "1x9 stale"),
                **up(B, "_x10 0x30"),
                **up(C, "_x10 1x30"),
            },
            at=(11, 25, 35),
        ),
        FalseAlarm(
            alert="ObservekitServiceDown",
            name="",
            series={**up(STRANGER, "0x30"), **up(SAME_HOST, "0x30"), **ready(A, "1x30"), **up(A, "1x30")},
            at=(5, 25),
        ),
        FalseAlarm(
            alert="ObservekitServiceDown",
            name="",
            series={**up(C, "1x30"), **up(A, "1x30"), **ready(A, "1x30")},
            at=(5, 25),
        ),
        FalseAlarm(
            alert="ObservekitRestarting",
            name="",
            series={
                f"{_STARTED}{{{C}}}": "10x10 11 12 13x60",
                f"{_STARTED}{{{SAME_HOST}}}": "10x10 11 12 13x60",
                **ready(A, "1x80"),
            },
            at=(13, 14, 20),
        ),
    ),
)
