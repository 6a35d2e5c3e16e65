"""Work that is no request: operations and messages, how many, how long, and what came of them."""

from observekit.catalogue.operations import MESSAGE_DURATION, MESSAGES_CONSUMED, OPERATION_DURATION
from observekit.dashboards.looks import TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import quantile, rate, sum_by
from observekit.dashboards.scope import HERE
from observekit.dashboards.series import buckets, counts, samples
from observekit.semconv import ERROR_TYPE, MESSAGING_DESTINATION_NAME, label

_DESTINATION = label(MESSAGING_DESTINATION_NAME)
_ERROR = label(ERROR_TYPE)


def work() -> Row:
    """Return the row on operations and messages."""
    return Row("Operations and messages", (_outcomes(), _durations(), _messages(), _message_durations()))


def _outcomes() -> Panel:
    ended = sum_by(rate(counts(OPERATION_DURATION, *HERE)), "operation", "outcome")
    return Panel(
        title="Operations by outcome",
        description=(
            "Operations that ended, per second. error: an exception left the operation; the span has its "
            "frames. cancelled: somebody stopped waiting, as at a timeout, a disconnect or a shutdown."
        ),
        unit="cps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=ended, legend="{{operation}} {{outcome}}"),),
        width=12,
        scale=Scale(lowest=0, empty="none"),
    )


def _durations() -> Panel:
    slow_end = quantile(0.95, buckets(OPERATION_DURATION, *HERE), "operation")
    return Panel(
        title="p95 by operation",
        description=(
            "95 % of the runs of an operation take at most this long. When a route is slow, the operation "
            "that rose with it is where its time goes; open an exemplar to see one of them in its trace."
        ),
        unit="s",
        look=TimeSeries(),
        targets=(Target(query=slow_end, legend="{{operation}}", exemplars=True),),
        width=12,
        scale=Scale(lowest=0, empty="none"),
    )


def _messages() -> Panel:
    consumed = sum_by(rate(samples(MESSAGES_CONSUMED, *HERE)), _DESTINATION, _ERROR)
    return Panel(
        title="Processed messages by destination",
        description=(
            "Messages per second, those that failed under the type of their error. A fall to nothing while "
            "others still send: the consumer is stuck or gone, and the broker's queue grows."
        ),
        unit="cps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=consumed, legend=f"{{{{{_DESTINATION}}}}} {{{{{_ERROR}}}}}"),),
        width=12,
        scale=Scale(lowest=0, empty="none"),
    )


def _message_durations() -> Panel:
    slow_end = quantile(0.95, buckets(MESSAGE_DURATION, *HERE), _DESTINATION)
    return Panel(
        title="p95 of processing by destination",
        description=(
            "95 % of the messages, or batches, are processed within this time. One consumer manages as many "
            "a second as this time fits into it: when more arrive, their queue grows."
        ),
        unit="s",
        look=TimeSeries(),
        targets=(Target(query=slow_end, legend=f"{{{{{_DESTINATION}}}}}", exemplars=True),),
        width=12,
        scale=Scale(lowest=0, empty="none"),
    )
