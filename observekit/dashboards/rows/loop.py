"""The event loop: is it late, and what waits on it."""

from observekit.catalogue.saturation import ASYNCIO_TASKS, EVENT_LOOP_LAG, EVENT_LOOP_STALLS, PYTHON_THREADS
from observekit.dashboards.limits import LOOP_LAG, NONE_WANTED
from observekit.dashboards.panels import Panel, Row, Scale
from observekit.dashboards.plain import EACH, PER_PROCESS, lines, numbers
from observekit.dashboards.promql import WHOLE_RANGE, increase, max_by, now, quantile, rate, sum_by
from observekit.dashboards.scope import ON_WORKER
from observekit.dashboards.series import buckets, samples


def loop() -> Row:
    """Return the row on what makes every request of a process wait."""
    return Row("Event loop and threads", (_worst(), _stalled(), _lag(), _stalls(), _tasks(), _threads()))


def _worst() -> Panel:
    return numbers(
        "Lag of the worst loop: p99",
        "The 99th percentile of how late the loop of any instance is. Above a quarter of a second users "
        "notice it on every route: see below which instance, and its log event event_loop.stalled for the "
        "stack.",
        "s",
        (max_by(quantile(0.99, buckets(EVENT_LOOP_LAG, *ON_WORKER), *EACH)), ""),
        width=12,
        thresholds=LOOP_LAG,
        scale=Scale(lowest=0, empty="no event loop"),
    )


def _stalled() -> Panel:
    return numbers(
        "Stalls in this time range",
        "How often a loop stood still for a quarter of a second or longer, over all instances. Each has a "
        "log event event_loop.stalled with the stack of what held it.",
        "short",
        (sum_by(increase(samples(EVENT_LOOP_STALLS, *ON_WORKER), WHOLE_RANGE)), ""),
        width=12,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="no event loop"),
    )


def _lag() -> Panel:
    return lines(
        "Event loop lag by process: p99",
        "How late the loop of each instance is in one of a hundred looks at it. One instance alone: its "
        "traffic or its host. All of them: what the code does, mostly since a deployment.",
        "s",
        (quantile(0.99, buckets(EVENT_LOOP_LAG, *ON_WORKER), *EACH), PER_PROCESS),
        thresholds=LOOP_LAG,
    )


def _stalls() -> Panel:
    return lines(
        "Stalls by process",
        "Stalls per second of each instance. A single one is an import or a large response; many are a "
        "blocking call in an async handler: move it to a thread.",
        "cps",
        (sum_by(rate(samples(EVENT_LOOP_STALLS, *ON_WORKER)), *EACH), PER_PROCESS),
    )


def _tasks() -> Panel:
    return lines(
        "asyncio tasks by process",
        "Tasks that are not done. A line that only rises is work that is started and never ends, such as "
        "a task for each message that waits for ever.",
        "short",
        (sum_by(now(samples(ASYNCIO_TASKS, *ON_WORKER)), *EACH), PER_PROCESS),
    )


def _threads() -> Panel:
    return lines(
        "Threads by process",
        "Threads of the interpreter. A line at the size of a pool means that the pool is full and callers "
        "wait; one that only rises is a pool that is made anew for each request.",
        "short",
        (sum_by(now(samples(PYTHON_THREADS, *ON_WORKER)), *EACH), PER_PROCESS),
    )
