"""A forked child of a process that makes spans and meters comes to life, whatever was imported when."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.traces.sink import sink_of

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
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=Path(__file__).parents[2],
    )

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
        done = subprocess.run(
            [sys.executable, "-c", SENDING, sink.endpoint],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            cwd=Path(__file__).parents[2],
        )

    assert (sink.spans(), done.stdout, done.stderr) == (["sent"], "[]\n", "")
