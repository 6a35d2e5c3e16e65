"""Real servers with several workers, and what each of these says."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

Answer = TypeVar("Answer")

LONG = 40.0
"""Seconds that nothing here takes: a limit for what went wrong."""
APP = "tests.workers.service:app"
PROGRAM = """
import json, multiprocessing, os, sys, threading, time, urllib.request
import prometheus_client
from prometheus_client import Counter, Gauge, Histogram, values
from observekit import get_logger, setup

JOBS = Counter("jobs", "Jobs done.", ["by"])
RUNNING = Gauge("running", "Jobs at work on.", multiprocess_mode="livesum")

def page(kit):
    return urllib.request.urlopen(f"http://127.0.0.1:{kit.ops_port}/metrics").read().decode()

def told(kit, *names):
    return [line for line in page(kit).splitlines() if line.startswith(names)]

def work(name):
    JOBS.labels(name).inc(2)
    RUNNING.inc()

def reaped(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def until(found):
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)
"""
"""The beginning of a program that has workers of its own."""
ROOT = Path(__file__).parents[2]

SERVERS: dict[str, list[str]] = {
    "uvicorn": ["uvicorn", APP, "--host=127.0.0.1", "--port={port}", "--workers={workers}"],
    "gunicorn preload": [
        *("gunicorn", APP, "--bind=127.0.0.1:{port}", "--workers={workers}", "--preload"),
        "--worker-class=uvicorn_worker.UvicornWorker",
    ],
}


class Page:
    """A metrics page by series."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.types: dict[str, str] = {}
        for family in text_string_to_metric_families(text):
            self.types[family.name] = family.type
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.series, f"{key} is there twice"
                self.series[key] = sample.value

    def value(self, sample: str, **labels: str) -> float | None:
        return self.series.get((sample, frozenset(labels.items())))

    def total(self, sample: str, **labels: str) -> float:
        return sum(
            value
            for (name, pairs), value in self.series.items()
            if name == sample and frozenset(labels.items()) <= pairs
        )

    def values_of(self, sample: str, label: str) -> set[str]:
        return {dict(pairs)[label] for name, pairs in self.series if name == sample}


class Fleet:
    """A running server; each request goes over a connection of its own, so to any worker."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)

    def get(self, path: str, **headers: str) -> str:
        connection = self.connect()
        try:
            return said(connection, path, **headers)
        finally:
            connection.close()

    def page(self) -> Page:
        return Page(self.get("/metrics"))

    def workers(self, number: int) -> set[int]:
        """Return the pids of so many workers, as soon as they have answered."""
        pids: set[int] = set()

        def found() -> bool:
            pids.add(int(self.get("/pid")))
            return len(pids) >= number

        until(found)
        return pids


def said(connection: http.client.HTTPConnection, path: str, **headers: str) -> str:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    assert answer.status == 200, (answer.status, body)
    return body


def until(found: Callable[[], Answer]) -> Answer:
    """Return what *found* returns as soon as that is true; what is refused meanwhile is tried again."""
    deadline = monotonic() + LONG
    while monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            answer = found()
            if answer:
                return answer
        sleep(0.02)
    raise TimeoutError(f"{found} did not come true in {LONG:g} s")


@contextmanager
def serving(server: str, home: Path, workers: int = 2, *more: str, **environ: str) -> Iterator[Fleet]:
    """Run a server with its own worker directory, and end it."""
    port = free_port()
    command = [one.format(port=port, workers=workers) for one in SERVERS[server]]
    with run([sys.executable, "-m", *command, *more], home, **environ) as process:
        fleet = Fleet(process, port)
        until(lambda: fleet.get("/pid"))
        yield fleet


@contextmanager
def run(command: list[str], home: Path, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run *command* in a session of its own, and end whatever is left of that."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OBSERVEKIT_WORKER_DIRECTORY": str(home),
        "OBSERVEKIT_TRACES": "off",
        **environ,
    }
    log = (home / "log").open("ab")
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def script(
    source: str, home: Path, *arguments: str, stream: str = "stdout", seconds: float = LONG, **environ: str
) -> str:
    """Run *source* as a program of its own, and return what it printed to *stream*."""
    file = home / "program.py"
    file.write_text(source)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OBSERVEKIT_WORKER_DIRECTORY": str(home),
        "OBSERVEKIT_TRACES": "off",
        "OBSERVEKIT_LOGS": "off",
        **environ,
    }
    done = subprocess.run(
        [sys.executable, str(file), *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed: str = getattr(done, stream)
    return printed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def groups(home: Path) -> list[Path]:
    """Return the directories of all groups below *home*."""
    return [path for path in home.glob("observekit-*/*") if path.is_dir()]


def files(home: Path) -> list[str]:
    return sorted(path.name for group in groups(home) for path in group.iterdir())


def kill(pid: int, number: Any = signal.SIGKILL) -> None:
    os.kill(pid, number)
