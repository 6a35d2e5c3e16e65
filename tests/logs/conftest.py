"""What the tests of logging share: a pipeline that writes to a list, and real processes."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry

from observekit import setup
from observekit.guard import Guard
from observekit.install import Kit
from observekit.logs.bound import NamedLogger, bound_logger, say
from observekit.logs.encoder import encode
from observekit.logs.levels import Levels
from observekit.logs.pipeline import Encode, Pipeline
from observekit.logs.stdlib import RecordHandler

HERE = Path(__file__).parent
DEADLINE_SECONDS = 40.0


def parsed(line: bytes | str) -> Any:
    """Return what *line* holds, if it is what every reader of JSON takes."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(line, parse_constant=refuse)


@dataclass
class Trial:
    """A pipeline of its own, and loggers that write to it."""

    encode: Encode = encode
    level: int = logging.DEBUG
    lines: list[bytes] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.guard = Guard(("logs",))
        self.pipeline = Pipeline(
            "shop", self.encode, self.lines.append, self.counted.append, self.guard, Levels(self.level)
        )
        self.log = self.logger("shop.orders")
        self.stdlib = logging.Logger("shop.stdlib", logging.DEBUG)  # noqa: LOG001 -- of this trial alone
        self.stdlib.addHandler(RecordHandler(self.pipeline))

    def logger(self, name: str, chain: list[Any] | None = None) -> Any:
        return structlog.wrap_logger(
            NamedLogger(partial(say, self.pipeline), name),
            processors=[self.pipeline] if chain is None else chain,
            wrapper_class=bound_logger(self.pipeline),
            context_class=dict,
        ).bind()

    def fields(self) -> dict[str, Any]:
        """Return the one record there is, without its head."""
        (line,) = self.lines
        record: dict[str, Any] = parsed(line)
        return {key: value for key, value in record.items() if key not in {"timestamp", "logger", "service"}}


@pytest.fixture(scope="session")
def make_trial() -> Callable[..., Trial]:
    return Trial


@pytest.fixture(scope="session")
def strict() -> Callable[[bytes | str], Any]:
    return parsed


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = setup(registry=CollectorRegistry(), log_format="json", traces=False)
    yield kit
    kit.shutdown()


@dataclass
class Ended:
    """What a script left behind."""

    code: int
    lines: list[dict[str, Any]]
    errors: str

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines if not line["logger"].startswith("observekit")]


@pytest.fixture
def run_script() -> Callable[[str], Ended]:
    """Run a script in a process of its own, with logging set up as ``kit``, ``log`` and ``stdlib``."""
    head = (
        "import logging, os, signal, sys, threading, time\n"
        "import structlog\n"
        "from observekit import setup\n"
        # Whoever starts the tests in the background has turned it off for all that come after.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "kit = setup(log_format='json', traces=False, service_name='script')\n"
        "log = structlog.get_logger('script')\n"
        "stdlib = logging.getLogger('script.stdlib')\n"
    )

    def run(script: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-c", head + script],
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
            # Coverage has a lock that a fork while another thread traces leaves held for ever in the child.
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        )
        lines = [parsed(line) for line in done.stdout.splitlines()]
        return Ended(done.returncode, lines, done.stderr.decode())

    return run


class Service:
    """A real uvicorn on loopback that serves the application of service.py."""

    def __init__(self, **popen: Any) -> None:
        command = popen.pop(
            "command", [sys.executable, "-m", "uvicorn", "service:app", "--app-dir", str(HERE)]
        )
        shell = popen.pop("shell", "")
        # Ours, so that who asks before it serves waits, and is turned away should it end.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # What it accepts inherits this; a server does not see that the descriptor is one of TCP.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            whole = [*command, "--fd", str(listener.fileno())]
            if shell:
                # The shell opens and closes descriptors that Popen cannot.
                whole = ["sh", "-c", f'exec "$@" {shell}', "sh", *whole]
            self.process = subprocess.Popen(whole, pass_fds=[listener.fileno()], **popen)
            port = listener.getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS)

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the series of *name* that have *labels*."""
        page = self.client.get("/metrics").text.splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [line for line in page if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found if all(one in line for one in wanted))

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(DEADLINE_SECONDS)


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(**popen: Any) -> Service:
        service = Service(**popen)
        started.append(service)
        assert service.client.get("/readyz").status_code == 200
        return service

    yield start
    for service in started:
        service.client.close()
        service.process.kill()
        service.process.wait()
        if service.process.stdout is not None:
            service.process.stdout.close()
        if service.process.stderr is not None:
            service.process.stderr.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the end to read from, and the end to write to."""
    ends = os.pipe()
    yield ends
    for descriptor in ends:
        try:
            os.close(descriptor)
        except OSError:
            continue


_OF_OTHERS = ("uvicorn", "uvicorn.error", "httpx", "opentelemetry.exporter.otlp")


@pytest.fixture(autouse=True)
def _filters_as_they_were() -> Iterator[None]:
    """Take away what a test leaves on the root and on loggers that libraries have too."""
    loggers = [logging.getLogger(), *map(logging.getLogger, _OF_OTHERS)]
    before = [(one, list(one.handlers), list(one.filters), one.level) for one in loggers]
    yield
    for one, handlers, filters, level in before:
        one.handlers[:], one.filters[:] = handlers, filters
        one.setLevel(level)
