"""Processes: is an instance near the end of what it has; never averaged, so that one bad instance shows."""

from observekit.catalogue.exports import LOG_RECORDS
from observekit.catalogue.process import PROCESS_CPU, PROCESS_MAX_FDS, PROCESS_MEMORY, PROCESS_OPEN_FDS
from observekit.dashboards.limits import CPU_CORES, FILE_DESCRIPTORS
from observekit.dashboards.looks import TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target, coloured
from observekit.dashboards.promql import Vector, divided, max_by, now, rate, sum_by, where_present
from observekit.dashboards.scope import HERE, IDENTITY
from observekit.dashboards.series import TARGET, samples

_LEGEND = "{{job}} {{instance}}"


def process() -> Row:
    """Return the row on logs and on what processes use."""
    return Row("Logs and processes", (_logs(), _cpu(), _memory(), _file_descriptors()))


def _logs() -> Panel:
    return Panel(
        title="Log records by level",
        description=(
            "Records per second taken in. When error or critical rise, read the log of that time; when "
            "debug or info rise without traffic, something loops or a level was left too low."
        ),
        unit="cps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=sum_by(rate(samples(LOG_RECORDS, *HERE)), "level"), legend="{{level}}"),),
        width=12,
        overrides=coloured(debug="text", info="green", warning="yellow", error="red", critical="purple"),
    )


def _cpu() -> Panel:
    return Panel(
        title="CPU cores in use by instance",
        description=(
            "Cores that the busiest process of each instance keeps busy. Near one, Python code of that "
            "process waits for itself: add workers or instances, or profile it. One instance alone: look at "
            "its traffic."
        ),
        unit="short",
        look=TimeSeries(limits=True),
        targets=(Target(query=max_by(_ours(rate(samples(PROCESS_CPU, *HERE))), *TARGET), legend=_LEGEND),),
        width=12,
        thresholds=CPU_CORES,
    )


def _memory() -> Panel:
    return Panel(
        title="Resident memory by instance",
        description=(
            "Memory that is in RAM. A line that rises over days and never falls is a leak: compare with the "
            "deployments, and restart the instance before the limit of its container does."
        ),
        unit="bytes",
        look=TimeSeries(),
        targets=(Target(query=sum_by(_ours(now(samples(PROCESS_MEMORY, *HERE))), *TARGET), legend=_LEGEND),),
        width=12,
    )


def _file_descriptors() -> Panel:
    used = divided(now(samples(PROCESS_OPEN_FDS, *HERE)), now(samples(PROCESS_MAX_FDS, *HERE)))
    return Panel(
        title="File descriptors in use by instance",
        description=(
            "Share of the limit. At 100 % no connection can be accepted or made. A line that only rises is "
            "a connection or file that is not closed; a step is a client pool that grew. Raise the limit "
            "meanwhile."
        ),
        unit="percentunit",
        look=TimeSeries(limits=True),
        targets=(Target(query=max_by(_ours(used), *TARGET), legend=_LEGEND),),
        width=12,
        thresholds=FILE_DESCRIPTORS,
        scale=Scale(lowest=0, highest=1),
    )


def _ours(vector: Vector) -> Vector:
    # Other exporters and Prometheus itself show process_* too, and the choice All takes them in.
    return where_present(vector, IDENTITY, "5m")
