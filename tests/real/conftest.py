"""The shop as three real servers, and what is needed to wait for what they do."""

import functools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import httpx
import pytest

LOOPBACK = "127.0.0.1"
EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("storefront", "orders", "inventory")
PATIENCE_SECONDS = 30.0

Start = Callable[..., "Process"]


@dataclass(frozen=True)
class Process:
    running: subprocess.Popen[bytes]
    output: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def text(self) -> str:
        return self.output.read_text(errors="replace")


def until(condition: Callable[[], Any], told: Callable[[], object] = lambda: "") -> Any:
    """Return what *condition* gives as soon as it is true; fail with what is *told* if it never is."""
    pause = Event()
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        found = condition()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError(f"waited {PATIENCE_SECONDS:g} s in vain: {told()}")


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start programs that end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(name: str, command: list[str], *, port: int, environ: Mapping[str, str] | None = None) -> Process:
        output = tmp_path / f"{name}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**_plain_environment(), **(environ or {})},
                cwd=tmp_path,
            )
        started.append(process)
        return Process(process, output, port)

    yield run
    for process in started:
        process.terminate()
    for process in started:
        process.wait(PATIENCE_SECONDS)


def start_prometheus(start: Start, targets: Mapping[str, int], directory: Path) -> Process:
    """Start a Prometheus that scrapes the ports of *targets* each second, by the names of their jobs."""
    jobs = "".join(
        f"  - job_name: {name}\n    static_configs:\n      - targets: ['{LOOPBACK}:{port}']\n"
        for name, port in targets.items()
    )
    config = directory / "prometheus.yml"
    config.write_text(f"global:\n  scrape_interval: 1s\nscrape_configs:\n{jobs}")
    port = free_port()
    prometheus = start(
        "prometheus",
        [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--enable-feature=exemplar-storage",
        ],
        port=port,
    )
    until(lambda: answers(f"{prometheus.url}/-/ready"), prometheus.text)
    return prometheus


@pytest.fixture
def open_shop(start: Start) -> Callable[..., Mapping[str, Process]]:
    """Start the three services, each on its own port, and wait until all are ready."""

    def open_it(**environ: str) -> Mapping[str, Process]:
        ports = {name: free_port() for name in NAMES}
        urls = {f"{name.upper()}_URL": f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
        shop = {
            name: start(
                name,
                [
                    *(sys.executable, "-m", "uvicorn", f"shop.{name}:app"),
                    *("--app-dir", str(EXAMPLES), "--port", str(port)),
                ],
                port=port,
                environ={**urls, **environ},
            )
            for name, port in ports.items()
        }
        for service in shop.values():
            until(functools.partial(answers, f"{service.url}/readyz"), service.text)
        return shop

    return open_it


def _plain_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "OBSERVEKIT_")) and not name.lower().endswith("_proxy")
    }
