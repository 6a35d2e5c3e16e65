"""The interpreter: garbage collection and versions."""

from observekit.catalogue.process import (
    GC_COLLECTIONS,
    GC_OBJECTS_COLLECTED,
    GC_OBJECTS_UNCOLLECTABLE,
    PYTHON_INFO,
)
from observekit.catalogue.specs import MetricSpec
from observekit.dashboards.limits import NONE_WANTED
from observekit.dashboards.panels import Panel, Row
from observekit.dashboards.plain import PER_INSTANCE, lines, numbers
from observekit.dashboards.promql import (
    WHOLE_RANGE,
    Vector,
    count_by,
    increase,
    now,
    rate,
    sum_by,
    where_present,
)
from observekit.dashboards.scope import HERE, IDENTITY
from observekit.dashboards.series import TARGET, samples


def interpreter() -> Row:
    """Return the row on the interpreter."""
    return Row("Interpreter", (_collections(), _collected(), _uncollectable(), _versions()))


def _ours(spec: MetricSpec) -> Vector:
    # Other Python programs show these too, and the choice All takes them in.
    return where_present(rate(samples(spec, *HERE)), IDENTITY, "5m")


def _collections() -> Panel:
    return lines(
        "Garbage collections by generation",
        "Collections per second. The oldest generation takes longest, as all objects are looked at: when "
        "it runs often, many objects are made that refer to each other, or freeze what is there after the "
        "start (gc.freeze).",
        "cps",
        (sum_by(_ours(GC_COLLECTIONS), "generation"), "generation {{generation}}"),
    )


def _collected() -> Panel:
    return lines(
        "Objects freed by the garbage collector",
        "Objects per second that only the collector could free, because they refer to each other. Many of "
        "them: look for cycles, such as exceptions that are kept with their frames.",
        "cps",
        (sum_by(_ours(GC_OBJECTS_COLLECTED), *TARGET), PER_INSTANCE),
    )


def _uncollectable() -> Panel:
    found = where_present(increase(samples(GC_OBJECTS_UNCOLLECTABLE, *HERE), WHOLE_RANGE), IDENTITY, "5m")
    return numbers(
        "Objects that cannot be freed",
        "Found by the collector in this time range, and there until the process ends. Anything but 0 is a "
        "leak in an extension module, or gc.DEBUG_SAVEALL left on.",
        "short",
        (sum_by(found), ""),
        width=12,
        thresholds=NONE_WANTED,
    )


def _versions() -> Panel:
    running = where_present(now(samples(PYTHON_INFO, *HERE)), IDENTITY, "5m")
    return numbers(
        "Python versions running",
        "How many processes run each version of Python. Two of them for longer than a deployment takes: "
        "an image that was not built anew.",
        "short",
        (count_by(running, "implementation", "version"), "{{implementation}} {{version}}"),
        width=12,
    )
