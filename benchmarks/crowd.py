"""The application's p99 while 20 slow scrapers read a page of 10,000 series, and while nobody reads it.

``python -m benchmarks.crowd PORT`` is the scrapers.
"""

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from benchmarks.child import Measured
from benchmarks.processes import listener

SCRAPERS = 20
SERIES = 10_000
PATHS = ("/empty", "/work")
# A page of 600 KiB takes such a scraper some 8 s, of the 10 s that Prometheus gives it.
_READ_BYTES = 4096
_PAUSE_SECONDS = 0.05
# Starts are spread over the time that one scrape takes, as those of many servers are.
_START_SECONDS = 8.0
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_BAD = re.compile(r"Non-2xx.*|Socket errors.*")
_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def measure(rounds: int, seconds: int) -> Measured:
    """Return p99 in milliseconds of each path: idle, with scrapers elsewhere, and with scrapers, in turn.

    Elsewhere is the same application in another process, which shows what the machine is to blame for.
    Nothing where there is no wrk.
    """
    found: Measured = {}
    if shutil.which("wrk") is None:
        return found
    with listener("benchmarks.crowded") as (port, _), listener("benchmarks.crowded") as (other, _):
        for path in PATHS:
            _p99(port, path, 1)
        with _scrapers(other) as elsewhere, _scrapers(port) as here:
            for number in range(rounds):
                print(f"crowd: round {number + 1}/{rounds}", flush=True)
                for path in PATHS:
                    found.setdefault(f"idle{path}", []).append(_p99(port, path, seconds))
                    for kind, scrapers in (("elsewhere", elsewhere), ("crowd", here)):
                        with _going(scrapers):
                            found.setdefault(f"{kind}{path}", []).append(_p99(port, path, seconds))
    return found


def _p99(port: int, path: str, seconds: int) -> float:
    """Return the p99 of one connection that asks again as soon as it is answered."""
    command = [
        "wrk",
        "-t1",
        "-c1",
        "--latency",
        "--timeout",
        "30s",
        f"-d{seconds}s",
        f"http://127.0.0.1:{port}{path}",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = _P99.search(told)
    if match is None or _BAD.search(told):
        raise RuntimeError(f"wrk says:\n{told}")
    return float(match[1]) * _MILLISECONDS[match[2]]


@contextmanager
def _scrapers(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the scrapers until each is in the middle of its page, and halt them there."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.crowd", str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None  # noqa: S101 -- opened as a pipe above
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait(30)


@contextmanager
def _going(scrapers: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let the scrapers go on from where they were halted."""
    scrapers.send_signal(signal.SIGCONT)
    yield
    scrapers.send_signal(signal.SIGSTOP)


async def _crowd(port: int) -> None:
    starts = Random(port)  # noqa: S311 -- nobody's secret
    scrapers = [_scrape(port, starts.uniform(0, _START_SECONDS)) for _ in range(SCRAPERS)]
    running = asyncio.gather(*scrapers)
    await asyncio.sleep(_START_SECONDS + _PAUSE_SECONDS)
    print("begun", flush=True)
    await running


async def _scrape(port: int, start_seconds: float) -> None:
    await asyncio.sleep(start_seconds)
    while True:
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_READ_BYTES)
            writer.write(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
            while await reader.read(_READ_BYTES):  # noqa: ASYNC110 -- slow, which is the point
                await asyncio.sleep(_PAUSE_SECONDS)
            writer.close()


if __name__ == "__main__":
    asyncio.run(_crowd(int(sys.argv[1])))
