"""How often a heartbeat fails a process that is alive: ``python -m benchmarks.heartbeat``.

A service with an ops port is stalled again and again, for less than it may be, and then gets the CPU for a
twentieth of the time only, while it has work to do. Each answer of its liveness probe but 200 is a false
failure. Nothing of it is in RESULTS.md: it counts, and takes minutes; ``--write`` writes HEARTBEAT.md.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from time import monotonic

_SERVICE = """
import asyncio, sys, time
from observekit import setup
kit = setup(ops_port=0, logs="off", traces=False)

def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

async def main():
    kit.lifecycle.serving()
    print(kit.ops_port, flush=True)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        kind, seconds = line.split()
        (time.sleep if kind == b"sleep" else burn)(float(seconds))
        print("done", flush=True)

asyncio.run(main())
"""
TABLE = Path(__file__).with_name("HEARTBEAT.md")
_BEGIN = """# False failures of the heartbeat

Liveness, asked every 50 ms on the ops port of a service that is alive, with the usual threshold of 30 s: its
loop is stalled again and again, half of the time by Python that lets go of nothing but the interpreter lock
every 5 ms; then it gets the CPU for 5 ms of each 100 while it has work. An answer but 200 is a false failure.
Made by `python -m benchmarks.heartbeat --stalls 200 --starved 120 --write`.

| trouble | probes | false failures | answer p99 |
| --- | ---: | ---: | ---: |
"""
# What a stall is of: a call that lets go of the interpreter, and Python that does not.
_KINDS = ("sleep", "burn")


class Probed:
    """A liveness probe every 50 ms, and what it got."""

    def __init__(self, port: int) -> None:
        self.seconds: list[float] = []
        self.failures = 0
        self._url = f"http://127.0.0.1:{port}/livez"
        self._end = Event()
        self._thread = Thread(target=self._run)

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Probe from here to the end."""
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.05):
            began = monotonic()
            try:
                urllib.request.urlopen(self._url, timeout=60).close()  # noqa: S310 -- ours
            except urllib.error.HTTPError:
                self.failures += 1
            self.seconds.append(monotonic() - began)

    def report(self, what: str) -> str:
        """Return the figures as a row of the table."""
        p99 = quantiles(self.seconds, n=100)[98]
        return f"| {what} | {len(self.seconds):,} | {self.failures} | {p99 * 1000:.0f} ms |"


def stalled(service: "subprocess.Popen[str]", stalls: int, longest_seconds: float) -> None:
    """Stall the loop so many times."""
    for number in range(stalls):
        seconds = random.uniform(0.1, longest_seconds)  # noqa: S311 -- no secret
        _told(service, _KINDS[number % 2], seconds)


def starved(service: "subprocess.Popen[str]", seconds: float) -> None:
    """Let the process run 5 ms of every 100, as a cgroup's quota of 5 % does, while its loop has work."""
    end, pause = monotonic() + seconds, Event()
    worker = Thread(target=_told, args=(service, "burn", seconds / 10))
    worker.start()
    while monotonic() < end:
        os.kill(service.pid, signal.SIGSTOP)
        pause.wait(0.095)
        os.kill(service.pid, signal.SIGCONT)
        pause.wait(0.005)
    worker.join()


def _told(service: "subprocess.Popen[str]", kind: str, seconds: float) -> None:
    if service.stdin is None or service.stdout is None:
        raise RuntimeError("the service has no pipes")
    service.stdin.write(f"{kind} {seconds}\n")
    service.stdin.flush()
    service.stdout.readline()


def measure(what: str, trouble: Callable[["subprocess.Popen[str]"], None]) -> Probed:
    """Return what the probes of a service in *trouble* got."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        if service.stdout is None:
            raise RuntimeError("the service has no pipes")
        try:
            probed = Probed(int(service.stdout.readline()))
            with probed.probing():
                trouble(service)
        finally:
            service.kill()
    print(probed.report(what), flush=True)
    return probed


def main() -> int:
    """Measure, and return 1 if there were false failures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stalls", type=int, default=10, help="how many stalls")
    parser.add_argument("--longest", type=float, default=5.0, help="seconds that the longest stall takes")
    parser.add_argument("--starved", type=float, default=60.0, help="seconds with 5 %% of a CPU")
    parser.add_argument("--write", action="store_true", help="write HEARTBEAT.md")
    given = parser.parse_args()
    troubles: dict[str, Callable[[subprocess.Popen[str]], None]] = {
        f"{given.stalls} stalls of up to {given.longest:g} s": lambda service: stalled(
            service, given.stalls, given.longest
        ),
        f"{given.starved:g} s with 5 % of a CPU": lambda service: starved(service, given.starved),
    }
    probed = {what: measure(what, trouble) for what, trouble in troubles.items()}
    if given.write:
        rows = "\n".join(one.report(what) for what, one in probed.items())
        TABLE.write_text(_BEGIN + rows + "\n", encoding="utf-8")
    return int(any(one.failures for one in probed.values()))


if __name__ == "__main__":
    sys.exit(main())
