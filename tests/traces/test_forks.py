"""A forked child of a process that makes spans and meters comes to life, whatever was imported when."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.traces.sink import sink_of

if TYPE_CHECKING:
    from tests.traces.conftest import Collector


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *words],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=Path(__file__).parents[2],
    )


FORKING = """
import os, signal
from opentelemetry import metrics, trace
from prometheus_client import CollectorRegistry
import observekit

observekit.setup(registry=CollectorRegistry(), logs="off")
metrics.get_meter("theirs").create_counter("theirs").add(1)
trace.get_tracer("theirs").start_span("theirs").end()
import concurrent.futures.thread  # As asyncio does for its first executor: its lock is held around a fork.
child = os.fork()
if not child:
    os._exit(7)
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(20)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_is_not_stuck_where_executors_came_after_the_providers() -> None:
    done = run(FORKING)

    assert (done.returncode, done.stderr) == (0, "")


SENDING = """
import sys
from opentelemetry import trace
from prometheus_client import CollectorRegistry
import observekit

kit = observekit.setup(registry=CollectorRegistry(), logs="off", traces_endpoint=sys.argv[1])
known = set(sys.modules)
trace.get_tracer("test").start_span("sent").end()
kit.shutdown(20)
print(sorted(set(sys.modules) - known))
"""


def test_what_sends_spans_imports_nothing_whose_lock_a_child_forked_meanwhile_would_wait_for() -> None:
    with sink_of() as sink:
        done = run(SENDING, sink.endpoint)

    assert (sink.spans(), done.stdout, done.stderr) == (["sent"], "[]\n", "")


CONNECTED = """
import json, os, sys, time
from opentelemetry import trace
from prometheus_client import CollectorRegistry
import observekit

kit = observekit.setup(
    registry=CollectorRegistry(), logs="off", traces_endpoint=sys.argv[1], span_delay_seconds=60.0
)
tracer = trace.get_tracer("test")
tracer.start_span("sent by the parent before").end()
import asyncio
asyncio.run(kit.flush())
tracer.start_span("waiting in the parent").end()
child = os.fork()
if child == 0:
    tracer.start_span("of the child").end()
    kit.shutdown(20)
    os._exit(0)
_, status = os.waitpid(child, 0)
kit.shutdown(20)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_sends_its_own_spans_only_and_over_a_connection_of_its_own(
    collector: "Collector",
) -> None:
    done = run(CONNECTED, collector.endpoint)

    assert (done.returncode, done.stderr) == (0, "")
    names = [span.name for span in collector.spans()]
    assert names == ["sent by the parent before", "of the child", "waiting in the parent"]
    before, of_the_child, after = collector.ports
    assert before == after != of_the_child


HOLDING = """
import os, sys
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
import observekit

kit = observekit.setup(
    registry=CollectorRegistry(), logs="off", traces_endpoint=sys.argv[1], keep_errors=True,
    traces_sampler="always_off",
)
tracer = trace.get_tracer("test")
root = tracer.start_span("root")
around = trace.set_span_in_context(root)
tracer.start_span("held by the parent", around).end()
child = os.fork()
if child == 0:
    tracer.start_span("held by the child", around).end()
root.set_status(StatusCode.ERROR)
root.end()
kit.shutdown(20)
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.once
def test_a_child_keeps_what_it_held_itself_and_not_what_its_parent_holds() -> None:
    with sink_of() as sink:
        done = run(HOLDING, sink.endpoint)

    assert (done.returncode, done.stderr) == (0, "")
    assert Counter(sink.spans()) == {"root": 2, "held by the parent": 1, "held by the child": 1}
