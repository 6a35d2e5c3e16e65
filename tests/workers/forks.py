"""Forks beside threads that never rest: every child does one of each thing and ends, and all is counted.

``python -m tests.workers.forks --forks 2000``: the exit code is 1 if a child was stuck or a count is wrong.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers_workers import table
from tests.workers.fleet import PROGRAM, script

SOURCE = (
    PROGRAM
    + """
import gc, signal
from prometheus_client import Summary
from observekit import operation
from opentelemetry import metrics, trace

FORKS = int(sys.argv[1])
ORDERS, SIZE = Counter("orders", "o", ["by"]), Summary("size", "s", ["by"])
SECONDS = Histogram("seconds", "s", ["by"])
kit = setup(ops_port=0)
log, tracer = get_logger("forks"), trace.get_tracer("forks")
acts = metrics.get_meter("forks").create_counter("acts")
stop = threading.Event()
counted = []

def act(by):
    ORDERS.labels(by).inc()
    ORDERS.labels(by).inc(exemplar={"trace_id": "a"})
    SIZE.labels(by).observe(1)
    SECONDS.labels(by).observe(0.1)
    with operation("act", labels={"by": by}), tracer.start_as_current_span("act"):
        log.info("acted")
    acts.add(1, {"by": by})

def busy():
    done = 0
    while not stop.is_set():
        act("parent")
        Counter(f"made_{threading.get_ident()}_{done % 7}", "m", registry=None).inc()
        done += 1
    counted.append(done)

def scraping():
    while not stop.is_set():
        page(kit)

threads = [threading.Thread(target=work, daemon=True) for work in (busy, busy, busy, scraping)]
for one in threads:
    one.start()
codes = []
for number in range(FORKS):
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        act("child")
        if number % 50 == 0:
            gc.collect()
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for one in threads:
    one.join(20)
names = "orders_total", "size_count", "seconds_count", "operation_duration_seconds_count", "observekit_log_"
found = {}
for line in told(kit, *names):
    series, value = line.rsplit(" ", 1)
    if float(value):
        found[series] = float(value)
stuck = [code for code in codes if code]
print(json.dumps({"stuck": stuck, "parent": sum(counted), "found": found}), file=sys.stderr)
"""
)


def run(forks: int, home: Path) -> tuple[int, list[str]]:
    """Fork so often; return how many children did not end, and what else is wrong."""
    # Coverage has locks that a fork while a thread is measured leaves held for ever in the child.
    environ = {"OBSERVEKIT_LOGS": "own", "COVERAGE_PROCESS_CONFIG": ""}
    report = json.loads(script(SOURCE, home, str(forks), stream="stderr", seconds=60.0 + forks, **environ))
    wanted: dict[str, float] = {}
    for by, acts in (("child", forks), ("parent", report["parent"])):
        wanted[f'orders_total{{by="{by}"}}'] = 2.0 * acts
        for name in ("size_count", "seconds_count"):
            wanted[f'{name}{{by="{by}"}}'] = float(acts)
        operation = f'operation_duration_seconds_count{{by="{by}",operation="act",outcome="ok"}}'
        wanted[operation] = float(acts)
    # One by the logger and one by the operation; one says that the parent has started.
    wanted['observekit_log_records_total{level="info"}'] = 2.0 * (forks + report["parent"]) + 1
    return len(report["stuck"]), [
        f"{series} is {report['found'].get(series)}, not {value}"
        for series, value in wanted.items()
        if report["found"].get(series) != value
    ]


def main() -> None:
    """Do so as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.workers.forks", description=__doc__)
    parser.add_argument("--forks", type=int, default=2000)
    parser.add_argument("--write", action="store_true", help="put it into tests/servers_workers/TABLE.md")
    arguments = parser.parse_args()
    with TemporaryDirectory() as home:
        stuck, wrong = run(arguments.forks, Path(home))
    print("\n".join([f"{arguments.forks} forks, {stuck} children did not end", *wrong]))
    if arguments.write:
        numbers = f"{arguments.forks:,}", str(stuck), str(len(wrong))
        table.put("forks", (table.interpreter(), *numbers))
    sys.exit(bool(stuck or wrong))


if __name__ == "__main__":
    main()
