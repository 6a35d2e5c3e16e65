"""What runs out, and clocks."""

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import OTHER, A, B, ready

_SHOP = {"job": "shop", "instance": "a"}


def lag(le: str, values: str) -> dict[str, str]:
    """Return a bucket of the lag of the event loop."""
    return {f'asyncio_event_loop_lag_seconds_bucket{{{A},le="{le}"}}': values}


def throttled(values: str, cores: str | None, target: str = A) -> dict[str, str]:
    """Return how long a quota has kept a process waiting, and the quota."""
    limit = {f"process_cgroup_cpu_limit_cores{{{target}}}": cores} if cores else {}
    return {f"process_cgroup_cpu_throttled_seconds_total{{{target}}}": values, **limit}


def memory(values: str, limit: str | None, target: str = A) -> dict[str, str]:
    """Return memory in use and its limit."""
    bound = {f"process_cgroup_memory_limit_bytes{{{target}}}": limit} if limit else {}
    return {f"process_cgroup_memory_usage_bytes{{{target}}}": values, **bound}


def descriptors(target: str, values: str) -> dict[str, str]:
    """Return open file descriptors of a hundred."""
    return {f"process_open_fds{{{target}}}": values, f"process_max_fds{{{target}}}": "100x120"}


def stalls(values: str) -> dict[str, str]:
    """Return how often the event loop has stood still."""
    return {f"asyncio_event_loop_stalls_total{{{A}}}": values}


def clock(values: str) -> dict[str, str]:
    """Return the clock of a process, where that of Prometheus says 60 more each minute."""
    return {
        f"observekit_clock_timestamp_seconds{{{A}}}": values,
        f"observekit_clock_timestamp_seconds{{{B}}}": "0+60x80",
    }


STORIES = (
    Story(
        alert="ObservekitEventLoopLagging",
        series={
            **lag("0.25", "0+600x10 6000x19 6600+600x40"),
            **lag("0.5", "0+600x80"),
            **lag("+Inf", "0+600x80"),
        },
        silent=10,
        firing=16,
        resolved=37,
        labels=_SHOP,
        value="497.5ms",
    ),
    Story(
        alert="ObservekitEventLoopStalled",
        series=stalls("0x19 1 2 3x60"),
        silent=21,
        firing=23,
        resolved=37,
        labels=_SHOP,
        value="3",
    ),
    Story(
        alert="ObservekitCpuThrottled",
        series={**throttled("0x9 36+36x29 1080x30", "2x80"), **throttled("0x80", "2x80", B)},
        silent=13,
        firing=29,
        resolved=41,
        labels=_SHOP,
        value="30%",
    ),
    Story(
        alert="ObservekitMemoryNearLimit",
        series={**memory("80x9 95x9 80x9", "100x30"), **memory("10x30", "100x30", B)},
        silent=9,
        firing=15,
        resolved=20,
        labels=_SHOP,
        value="95%",
    ),
    Story(
        alert="ObservekitFileDescriptorsNearLimit",
        # One of two workers.
        series={
            **descriptors(f'{A},worker="1"', "10x9 85x19 10x30"),
            **descriptors(f'{A},worker="2"', "10x60"),
            **ready(A, "1x60"),
            **descriptors(B, "10x60"),
            **ready(B, "1x60"),
        },
        silent=9,
        firing=20,
        resolved=30,
        labels=_SHOP,
        value="85%",
    ),
    Story(
        alert="ObservekitClockSkew",
        series=clock("0+60x9 620+60x9 1200+60x20"),
        silent=9,
        firing=15,
        resolved=20,
        labels=_SHOP,
        value="20s",
    ),
    Story(
        alert="ObservekitClockSkew",
        series=clock("0+60x9 580+60x9 1200+60x20"),
        silent=9,
        firing=15,
        resolved=20,
        labels=_SHOP,
        value="20s",
    ),
)

FALSE_ALARMS = (
    FalseAlarm(
        alert="ObservekitEventLoopLagging",
        name="one stall",
        series={**lag("0.25", "0+600x10 6590+600x40"), **lag("0.5", "0+600x80"), **lag("+Inf", "0+600x80")},
        at=(11, 13, 16, 20),
    ),
    FalseAlarm(
        alert="ObservekitEventLoopLagging",
        name="lag within bounds",
        series={
            **lag("0.1", "0x80"),
            **lag("0.25", "0+600x80"),
            **lag("0.5", "0+600x80"),
            **lag("+Inf", "0+600x80"),
        },
        at=(6, 20),
    ),
    FalseAlarm(
        alert="ObservekitEventLoopStalled",
        name="the start of a process",
        series=stalls("0x19 2x60"),
        at=(20, 22, 30),
    ),
    FalseAlarm(
        alert="ObservekitEventLoopStalled",
        name="a restart",
        series=stalls("9x20 0x60"),
        at=(21, 22, 30),
    ),
    FalseAlarm(
        alert="ObservekitCpuThrottled",
        name="no quota",
        series={**throttled("0+60x60", None), **throttled("0+60x60", "0x60", B)},
        at=(20, 40),
    ),
    FalseAlarm(
        alert="ObservekitCpuThrottled",
        name="a burst",
        series=throttled("0x9 60+60x9 600x30", "2x80"),
        at=(14, 25, 29, 30),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitCpuThrottled",
        name="",
        # Exactly a quarter.
        series=throttled("0+30x60", "2x80"),
        at=(20, 40),
    ),
    FalseAlarm(
        alert="ObservekitMemoryNearLimit",
        name="no limit",
        series={**memory("95x60", None), **memory("95x60", "0x60", B)},
        at=(10, 30),
    ),
    FalseAlarm(
        alert="ObservekitMemoryNearLimit",
        name="file cache",
        # Resident memory and cache fill the limit, what is charged and cannot be dropped does not.
        series={**memory("90x60", "100x60"), f"process_resident_memory_bytes{{{A}}}": "99x60"},
        at=(10, 30),
    ),
    FalseAlarm(
        alert="ObservekitMemoryNearLimit",
        name="a short peak",
        series=memory("80x9 95x4 80x30", "100x60"),
        at=(10, 14, 15, 16),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitFileDescriptorsNearLimit",
        name="another exporter",
        series={**descriptors(OTHER, "99x60"), **ready(A, "1x60"), **descriptors(A, "80x60")},
        at=(11, 30),
    ),
    FalseAlarm(
        alert="ObservekitFileDescriptorsNearLimit",
        name="a short peak",
        series={**descriptors(A, "10x9 99x9 10x30"), **ready(A, "1x60")},
        at=(10, 19, 20, 21),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitClockSkew",
        name="a slow scrape",
        # Exactly 15 seconds old.
        series={f"observekit_clock_timestamp_seconds{{{A}}}": "-15+60x60"},
        at=(5, 10, 30),
    ),
    FalseAlarm(
        alert="ObservekitFileDescriptorsNearLimit",
        name="",
        # Another process of the same job, which is none of ours.
        series={**descriptors(B, "99x60"), **ready(A, "1x60")},
        at=(11, 30),
    ),
)
