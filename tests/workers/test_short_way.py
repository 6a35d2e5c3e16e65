"""What is counted with prometheus-client's metrics is exact in a worker, by whatever way it comes."""

import json
from pathlib import Path

import pytest

from tests.workers.fleet import PROGRAM, script

pytestmark = pytest.mark.timeout(120)

SHARED = (
    PROGRAM
    + """
import signal
from prometheus_client import Summary
ORDERS = Counter("orders", "o")
SECONDS = Histogram("seconds", "s", ["what"], buckets=(1, 2))
OPEN = Gauge("open_orders", "g", multiprocess_mode="livesum")
SIZE = Summary("size", "s")
held = ORDERS.inc  # Before anything is shared.
kit = setup(ops_port=0)
child = os.fork()
if not child:
    ORDERS.inc(0)
    os._exit(0)
assert reaped(child) == 0
SECONDS.labels("tea").observe(0)
held_short = ORDERS.inc

def values(*names):
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in told(kit, *names)}
"""
)


def test_threads_and_signal_handlers_in_the_middle_of_counting_lose_no_count(tmp_path: Path) -> None:
    counts, wanted = json.loads(
        script(
            SHARED
            + """
sys.setswitchinterval(1e-6)
handled = 0

def count():
    ORDERS.inc()
    held()
    held_short()
    ORDERS.inc(exemplar={"trace_id": "a"})
    SECONDS.labels("tea").observe(1.5)
    SECONDS.labels("tea").observe(1.5, exemplar={"trace_id": "a"})
    OPEN.inc(2)
    OPEN.dec()
    SIZE.observe(3)

def handle(*_):
    global handled
    handled += 1
    count()

signal.signal(signal.SIGPROF, handle)
signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
threads = [threading.Thread(target=lambda: [count() for _ in range(500)]) for _ in range(4)]
for one in threads:
    one.start()
for one in threads:
    while one.is_alive():
        one.join(0.01)
        page(kit)
deadline, more = time.monotonic() + 30, 0
while handled < 20:  # The clock of the signal stands still while nobody works.
    assert time.monotonic() < deadline
    more += 1
    count()
signal.setitimer(signal.ITIMER_PROF, 0)
names = "orders_total", "seconds_count", "seconds_sum", "open_orders", "size_count", "size_sum"
print(json.dumps([values(*names), handled + more + 2000]))
""",
            tmp_path,
        )
    )

    assert counts == {
        "orders_total": 4 * wanted,
        'seconds_count{what="tea"}': 2 * wanted + 1,
        'seconds_sum{what="tea"}': 3 * wanted,
        "open_orders": wanted,
        "size_count": wanted,
        "size_sum": 3 * wanted,
    }


def test_a_method_that_somebody_holds_counts_for_the_process_that_it_is_called_in(tmp_path: Path) -> None:
    found = json.loads(
        script(
            SHARED
            + """
observe = SECONDS.labels("tea").observe
child = os.fork()
if not child:
    held_short(10)
    observe(1)
    held(10)
    os._exit(0)
assert reaped(child) == 0
held_short()
observe(1)
shown = values("orders_total", "seconds_count")
kit.shutdown()
held_short()
observe(1)
print(json.dumps([shown, prometheus_client.REGISTRY.get_sample_value("orders_total")]))
""",
            tmp_path,
        )
    )

    assert found == [{"orders_total": 21.0, 'seconds_count{what="tea"}': 3.0}, 2.0]


def test_what_is_not_usual_is_as_prometheus_client_has_it(tmp_path: Path) -> None:
    found = json.loads(
        script(
            SHARED
            + """
class Doubled(Counter):
    def inc(self, amount=1, exemplar=None):
        super().inc(2 * amount, exemplar)

doubled = Doubled("doubled", "d")
doubled.inc()
told(kit, "doubled")
doubled.inc()
refused = []
for work in (lambda: ORDERS.inc(-1), lambda: ORDERS.inc("1"), lambda: SECONDS.observe(1)):
    try:
        work()
    except Exception as error:
        refused.append(type(error).__name__)
SECONDS.labels("tea").observe(float("nan"))
SECONDS.labels("tea").observe(float("inf"))
ORDERS.inc(float("nan"))
with ORDERS.count_exceptions(), SECONDS.labels("tea").time():
    pass
lines = told(kit, "doubled_total", "orders_total", "seconds_bucket", "seconds_sum")
print(json.dumps([refused, lines]))
""",
            tmp_path,
        )
    )

    refused, lines = found
    assert refused == ["ValueError", "TypeError", "ValueError"]
    assert sorted(lines) == [
        "doubled_total 4.0",
        "orders_total NaN",
        'seconds_bucket{le="+Inf",what="tea"} 3.0',
        'seconds_bucket{le="1.0",what="tea"} 2.0',
        'seconds_bucket{le="2.0",what="tea"} 2.0',
        'seconds_sum{what="tea"} NaN',
    ]


def test_handlers_and_finalisers_may_count_in_the_middle_of_forks_and_pages(tmp_path: Path) -> None:
    codes, counts, wanted = json.loads(
        script(
            SHARED
            + """
import gc
handled = finalised = 0
# prometheus-client's labels() takes a lock that a handler in the middle of it would wait for, for ever.
FINALISED = [SECONDS.labels(f"finaliser {number}") for number in range(5)]
HANDLED = [SECONDS.labels(f"handler {number}") for number in range(5)]

class Counts:
    def __init__(self):
        self.itself = self

    def __del__(self):
        global finalised
        finalised += 1
        ORDERS.inc()
        FINALISED[finalised % 5].observe(1)

def handle(*_):
    global handled
    handled += 1
    ORDERS.inc()
    HANDLED[handled % 5].observe(1)

signal.signal(signal.SIGPROF, handle)
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
mine, codes, deadline = os.getpid(), [], time.monotonic() + 30
while handled < 30 or len(codes) < 8:
    assert time.monotonic() < deadline
    Counts()
    gc.collect()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os._exit(0)
    codes.append(reaped(child))
    page(kit)
signal.setitimer(signal.ITIMER_PROF, 0)
gc.collect()
seconds = sum(values("seconds_count").values()) - 1
print(json.dumps([codes, [values("orders_total")["orders_total"], seconds], handled + finalised]))
""",
            tmp_path,
        )
    )

    assert codes == [0] * len(codes)
    assert counts == [wanted, wanted]
