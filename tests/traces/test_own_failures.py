"""A failure of ours while spans are sent costs no span and ends no thread."""

from functools import partial

from opentelemetry.sdk.resources import Resource

from observekit.guard import Guard
from observekit.traces.encoding import group_of
from observekit.traces.export import Bounds, ExportQueue
from observekit.traces.http import HttpTransport, Target
from observekit.traces.tls import Certificates
from tests.traces.sink import sink_of


class Account:
    """Counts spans, and fails when it is told of the first request."""

    def __init__(self) -> None:
        self.exported = 0
        self.requests = 0

    def span_ended(self) -> None:
        """Nobody looks."""

    def spans_exported(self, spans: int) -> None:
        self.exported += spans

    def spans_rejected(self, spans: int) -> None:
        raise AssertionError(spans)

    def span_dropped(self, reason: str, spans: int) -> None:
        raise AssertionError(reason, spans)

    def export_tried(self, outcome: str, seconds: float) -> None:
        self.requests += 1
        if self.requests == 1:
            raise ValueError(outcome, seconds)

    def spans_lost(self, spans: int, why: str) -> None:
        """Nobody looks."""

    def spans_wait(self, spans: int, why: str) -> None:
        """Nobody looks."""


def test_what_was_under_way_is_sent_again_by_the_same_thread() -> None:
    account, bounds = Account(), Bounds(100, 100_000, 10, 0.01, 20.0)
    with sink_of() as sink:
        target = Target(sink.endpoint, {}, gzipped=False, certificates=Certificates())
        queue = ExportQueue(partial(HttpTransport, target, "tests"), bounds, account, Guard(("traces",)))

        queue.put(group_of(Resource({}), None), b"")
        arrived = queue.force_flush(20_000)
        queue.shutdown(20.0)

    assert (arrived, account.exported, account.requests) == (True, 1, 2)
    assert len(sink.batches) == 2
    assert queue.held() == (0, 0)
