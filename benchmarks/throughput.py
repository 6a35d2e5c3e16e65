"""Requests a second through uvicorn, with wrk: a server for each row, runs in turn."""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import sleep
from typing import NamedTuple

from benchmarks.drive import HEADERS
from benchmarks.processes import arrived, listener, sink
from benchmarks.rows import SERVED
from benchmarks.stats import Spread, spread

CONNECTIONS = 16
PATHS = ("/empty", "/work")
_SEED = 20_26
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_REQUESTS = re.compile(r"(\d+) requests in")
_BAD = re.compile(r"Non-2xx.*|Socket errors.*")
_QUIET_SECONDS = 0.25
# Source: OpenTelemetry SDK specification, batching processor: a span waits for 5 s at most.
_EXPORT_SECONDS = 6.0


class Run(NamedTuple):
    """One run of wrk: how many requests were answered, and how many a second."""

    rate: float
    requests: int


class Throughput:
    """What was measured, by row and path."""

    def __init__(self, runs: dict[tuple[str, str], list[Run]], spans: dict[str, int]) -> None:
        self._runs = runs
        self._spans = spans

    def rate(self, name: str, path: str) -> Spread:
        """Return answers a second."""
        return spread([run.rate for run in self._runs[name, path]])

    def kept(self, name: str, path: str) -> Spread:
        """Return the share of the bare application's rate that is kept, round by round."""
        pairs = zip(self._runs[name, path], self._runs["bare", path], strict=True)
        return spread([mine.rate / bare.rate for mine, bare in pairs])

    def spans(self, name: str) -> float:
        """Return how many spans arrived for each answer."""
        requests = [run.requests for path in PATHS for run in self._runs[name, path]]
        return self._spans[name] / sum(requests)


def measure(rounds: int, seconds: int) -> Throughput | None:
    """Measure every served row on every path; ``None`` where there is no wrk."""
    if shutil.which("wrk") is None:
        return None
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    found: dict[tuple[str, str], list[Run]] = {(name, path): [] for name in SERVED for path in PATHS}
    with ExitStack() as servers:
        sink_url = servers.enter_context(sink())
        running = {
            name: servers.enter_context(listener("benchmarks.serve", name, sink_url)) for name in SERVED
        }
        for port, process in running.values():
            _run(f"http://127.0.0.1:{port}{PATHS[0]}", 1, process)
        _spans(sink_url)
        for number in range(rounds):
            print(f"throughput: round {number + 1}/{rounds}", flush=True)
            for name, path in order.sample(list(found), len(found)):
                port, process = running[name]
                url = f"http://127.0.0.1:{port}{path}"
                found[name, path].append(_run(url, seconds, process))
        return Throughput(found, _spans(sink_url))


def _spans(sink_url: str) -> dict[str, int]:
    """Return how many spans of each row came since this was asked last, when all of them have."""
    sleep(_EXPORT_SECONDS)
    return {name: arrived(sink_url, name) for name in SERVED}


def _run(url: str, seconds: int, process: int) -> Run:
    headers = [part for key, value in HEADERS[1:] for part in ("-H", f"{key.decode()}: {value.decode()}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", *headers, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, requests = _RATE.search(told), _REQUESTS.search(told)
    if rate is None or requests is None or _BAD.search(told):
        raise RuntimeError(f"wrk says of {url}:\n{told}")
    _rest(process)
    return Run(float(rate[1]), int(requests[1]))


def _rest(process: int) -> None:
    """Wait until the server has exported what it has to, so that the next run does not pay for it."""
    before = -1.0
    while (now := _cpu_seconds(process)) - before > 0.02:
        before = now
        sleep(_QUIET_SECONDS)


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
