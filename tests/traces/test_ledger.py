"""Every span is accounted for: under threads, signals, forks and outages, whatever the collector refuses."""

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import Span

from observekit import Kit
from tests.traces.sink import LONG, TAKEN, Visitor, say, sink_of

if TYPE_CHECKING:
    from tests.traces.conftest import Ledger

Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]
# What a call of a database says of itself.
ORDINARY: dict[str, Any] = {
    "db.system.name": "postgresql",
    "db.operation.name": "SELECT",
    "db.collection.name": "orders",
    "db.namespace": "shop",
    "db.query.text": "SELECT id, sku, price FROM orders WHERE customer = $1 ORDER BY created DESC LIMIT 20",
    "server.address": "database.shop.svc",
    "server.port": 5432,
}
AGAIN = say(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")


def end_spans(times: int, name: str = "theirs", **attributes: Any) -> None:
    tracer = trace.get_tracer("theirs")
    for number in range(times):
        tracer.start_span(f"{name} {number}", attributes=attributes).end()


def end_all(spans: list[Span]) -> None:
    for span in spans:
        span.end()


def together(threads: int, work: Callable[[int], None]) -> None:
    running = [Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(LONG)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_spans_of_many_threads_are_counted_to_the_last_while_the_collector_fails_now_and_then(
    begin: Begin, ledger: LedgerOf
) -> None:
    with sink_of(AGAIN, say(TAKEN), AGAIN, say(TAKEN), AGAIN) as sink:
        kit = begin(
            traces_endpoint=sink.endpoint,
            span_queue_size=2000,
            span_batch_size=100,
            span_delay_seconds=0.01,
            shutdown_budget_seconds=20.0,
        )
        told = ledger(kit)

        together(8, lambda number: end_spans(1000, f"thread {number}"))
        kit.shutdown()

    lost = told.dropped("queue_full")
    assert (told.ended(), told.exported() + lost, told.waiting()) == (8000, 8000, 0)
    assert len(set(sink.spans())) == told.exported()
    assert told.is_balanced()


def test_an_outage_of_a_minute_loses_nothing(begin: Begin, ledger: LedgerOf) -> None:
    port = free_port()
    kit = begin(
        traces_endpoint=f"http://127.0.0.1:{port}/v1/traces",
        span_delay_seconds=0.01,
        shutdown_budget_seconds=25.0,
    )
    told = ledger(kit)

    end_spans(12_000, **ORDINARY)  # 200 a second for a minute.
    waiting = told.waiting()
    with sink_of(port=port) as sink:
        back = sink.until(lambda: bool(sink.batches))
        kit.shutdown()

    assert back
    assert (waiting, told.exported(), told.ended(), told.waiting()) == (12_000, 12_000, 12_000, 0)
    assert Counter(sink.spans()).most_common(1)[0][1] == 1
    assert sink.most_at_once == 1


def test_what_waits_is_bounded_by_its_bytes(begin: Begin, ledger: LedgerOf) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}/v1/traces"
    kit = begin(traces_endpoint=endpoint, span_queue_bytes=100_000, span_delay_seconds=60.0)
    told = ledger(kit)

    end_spans(500, text="x" * 1000)

    assert 90_000 < told.queued_bytes() <= 100_000
    assert told.waiting() < 100
    assert told.dropped("queue_full") == 500 - told.waiting()
    assert told.is_balanced()


def test_a_collector_that_takes_small_requests_only_gets_all_that_fit(begin: Begin, ledger: LedgerOf) -> None:
    def picky(visitor: Visitor) -> None:
        status = b"200 OK" if len(visitor.body) < 10_000 else b"413 Content Too Large"
        visitor.say(b"HTTP/1.1 %b\r\ncontent-length: 0\r\n\r\n" % status)

    with sink_of(after=picky) as sink:
        kit = begin(
            traces_endpoint=sink.endpoint,
            span_attribute_length_limit=50_000,
            span_delay_seconds=60.0,
            shutdown_budget_seconds=20.0,
        )
        told = ledger(kit)

        end_spans(50, "small", text="x" * 1000)
        end_spans(2, "large", text="x" * 20_000)
        end_spans(50, "small too", text="x" * 1000)
        asyncio.run(kit.flush())

    assert (told.exported(), told.dropped("too_large"), told.waiting()) == (100, 2, 0)
    assert told.is_balanced()


def test_a_collector_that_takes_nothing_is_not_asked_twice_for_a_span(begin: Begin, ledger: LedgerOf) -> None:
    with sink_of(after=say(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n")) as sink:
        kit = begin(traces_endpoint=sink.endpoint, span_delay_seconds=60.0, shutdown_budget_seconds=20.0)
        told = ledger(kit)

        end_spans(8)
        kit.shutdown()

    # In halves once, and then each span by itself.
    assert [len(batch) for batch in sink.batches] == [8, 4, 2, *[1] * 8]
    assert (told.dropped("too_large"), told.exported()) == (8, 0)


def test_requests_are_cut_by_their_bytes_and_go_one_after_the_other(begin: Begin, ledger: LedgerOf) -> None:
    with sink_of() as sink:
        kit = begin(
            traces_endpoint=sink.endpoint, span_attribute_length_limit=60_000, span_delay_seconds=60.0
        )
        told = ledger(kit)

        end_spans(50, text="x" * 60_000)
        kit.shutdown(20.0)

    assert told.exported() == 50
    assert len(sink.sizes) == 3
    assert max(sink.sizes) <= 1024 * 1024 + 1000
    assert sink.most_at_once == 1


@contextmanager
def interrupted(handler: Callable[[], None]) -> Iterator[None]:
    """Call *handler* in the middle of things, again and again."""
    before = signal.signal(signal.SIGVTALRM, lambda *_: handler())
    # Longer than the handler takes, or nothing else would come to its turn.
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.003, 0.003)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_a_signal_handler_may_end_spans_while_spans_end(begin: Begin, ledger: LedgerOf) -> None:
    with sink_of() as sink:
        kit = begin(traces_endpoint=sink.endpoint, span_batch_size=50)
        told, handled = ledger(kit), 0

        def handler() -> None:
            nonlocal handled
            handled += 1
            end_spans(1, "handler")

        with interrupted(handler):
            ended = 0
            while handled <= 20 and ended < 100_000:
                end_spans(100)
                ended += 100
        kit.shutdown(20.0)

    assert handled > 20
    assert (told.ended(), told.exported()) == (ended + handled, ended + handled)
    assert len(sink.spans()) == ended + handled


def test_spans_after_the_end_are_counted_without_a_word(
    begin: Begin, ledger: LedgerOf, caplog: pytest.LogCaptureFixture
) -> None:
    with sink_of() as sink:
        kit = begin(traces_endpoint=sink.endpoint)
        told, tracer = ledger(kit), trace.get_tracer("theirs")
        spans = [[tracer.start_span("late") for _ in range(1000)] for _ in range(8)]
        kit.shutdown()
        caplog.clear()

        with caplog.at_level(logging.DEBUG):
            together(8, lambda number: end_all(spans[number]))

    assert told.dropped("shutdown") == told.ended() == 8000
    assert len(caplog.records) <= 1


FORKS = 8
FORKING = """
import os, sys, threading, time
from opentelemetry import trace
from prometheus_client import CollectorRegistry
import observekit

kit = observekit.setup(registry=CollectorRegistry(), logs="off", traces_endpoint=sys.argv[1])
tracer, going = trace.get_tracer("test"), True

def busy():
    while going:
        for _ in range(50):
            tracer.start_span("parent").end()
        time.sleep(0.002)  # So that the collector has time for the children too.

thread = threading.Thread(target=busy)
thread.start()
children = []
for number in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        tracer.start_span(f"child {number}").end()
        kit.shutdown(20)
        os._exit(0)
    children.append(child)
codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
going = False
thread.join()
kit.shutdown(20)
sys.exit(0 if codes == {0} else 3)
"""


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_children_that_are_forked_beside_a_busy_thread_send_their_own_spans_once_and_as_themselves() -> None:
    with sink_of() as sink:
        done = subprocess.run(
            [
                *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING),
                *(sink.endpoint, str(FORKS)),
            ],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        sent = Counter(sink.spans())

    assert (done.returncode, done.stderr) == (0, "")
    assert {name: sent[name] for name in sent if name != "parent"} == {
        f"child {number}": 1 for number in range(FORKS)
    }
    assert len(sink.instances) == FORKS + 1
