"""A rolling deployment: nginx before two instances, a controller that follows their readiness, and a load."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Final, NamedTuple, Self

from tests.drain.service import LONG, Service, free_port, get, until

TOOLS: Final = ("nginx", "wrk")
# With 20 ms for each request, that is 500 requests in a second.
CONNECTIONS: Final = 10
# Longer than any of these takes that ends at all.
_PATIENCE: Final = 20.0

# nginx itself is given no chance to hide an error: it tries one instance, and no second one.
_NGINX: Final = """
worker_processes 1;
daemon off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 1000000;
    upstream both {{
        server 127.0.0.1:{first};
        server 127.0.0.1:{second};
        keepalive 32;
        keepalive_timeout 2s;
    }}
    upstream first {{ server 127.0.0.1:{first}; keepalive 32; keepalive_timeout 2s; }}
    upstream second {{ server 127.0.0.1:{second}; keepalive 32; keepalive_timeout 2s; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            set $target both;
            if (!-f {directory}/first.ready) {{ set $target second; }}
            if (!-f {directory}/second.ready) {{ set $target first; }}
            proxy_pass http://$target;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            proxy_read_timeout 30s;
        }}
    }}
}}
"""
# Workers of root would be nobody, who may not look for the files.
_USER: Final = "user root;" if os.geteuid() == 0 else ""


def missing() -> str:
    """Return which tool is missing, if one is."""
    return next((name for name in TOOLS if shutil.which(name) is None), "")


class Seen(NamedTuple):
    """What the clients saw: how many requests, and how many of them failed, and how."""

    requests: int
    errors: dict[str, int]

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


class Controller(Thread):
    """Has nginx send traffic to an instance as long as its readiness says so, as Kubernetes' endpoints do.

    nginx looks for a file of each instance with every request, so that nothing of nginx has to be restarted.
    """

    def __init__(self, directory: Path, ports: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._files = {directory / f"{name}.ready": port for name, port in ports.items()}
        self._over = Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            for file, port in self._files.items():
                if get(port, "/readyz").status == 200:
                    file.touch()
                else:
                    file.unlink(missing_ok=True)

    def follows(self, port: int) -> bool:
        return any(file.exists() for file, known in self._files.items() if known == port)

    def stop(self) -> None:
        self._over.set()
        self.join(LONG)


@contextmanager
def nginx(directory: Path, ports: dict[str, int]) -> Iterator[int]:
    """Run nginx before the instances on *ports*, and yield its own port."""
    port = free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=directory, port=port, user=_USER, **ports))
    with (directory / "nginx.said").open("wb") as said:
        process = subprocess.Popen(["nginx", "-p", str(directory), "-c", str(configuration)], stderr=said)
    try:
        until(lambda: get(port, "/").status, "nginx does not answer")
        yield port
    finally:
        process.terminate()
        process.wait(LONG)


def nothing_first(_: Service) -> None:
    """Have no preStop hook."""


class Deployment:
    """Two instances of a service; *start* makes one for a port, *before* is called before it is stopped."""

    def __init__(
        self,
        directory: Path,
        start: Callable[[int], Service],
        before: Callable[[Service], None] = nothing_first,
    ) -> None:
        self.ports = {"first": free_port(), "second": free_port()}
        self._start = start
        self._before = before
        self._controller = Controller(directory, self.ports)
        self.services = {name: start(port) for name, port in self.ports.items()}

    def __enter__(self) -> Self:
        self._controller.start()
        for port in self.ports.values():
            until(partial(self._controller.follows, port), "not ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
        for service in self.services.values():
            service.stop()

    def restart(self, name: str) -> int | None:
        """Replace one instance as a rolling deployment does; return its exit code, none if it did not end."""
        old, port = self.services[name], self.ports[name]
        self._before(old)
        old.send(signal.SIGTERM)
        try:
            code: int | None = old.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
            old.stop()
        until(lambda: not self._controller.follows(port), "the controller does not see it gone")
        self.services[name] = self._start(port)
        until(lambda: self._controller.follows(port), "not ready again")
        return code


@contextmanager
def load(port: int) -> Iterator[Callable[[], Seen]]:
    """Have wrk ask over connections that it keeps; yield what ends that and tells what it saw."""
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        "-d600s",
        "--timeout",
        "20s",
        f"http://127.0.0.1:{port}/work",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end() -> Seen:
        process.send_signal(signal.SIGINT)
        return read(process.communicate(timeout=LONG)[0])

    try:
        yield end
    finally:
        process.kill()
        process.wait(LONG)


def read(told: str) -> Seen:
    """Read what wrk has told."""
    requests = re.search(r"(\d+) requests in", told)
    assert requests is not None, told
    errors = {name: int(count) for name, count in re.findall(r"(connect|read|write|timeout) (\d+)", told)}
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    errors["status"] = int(refused[1]) if refused else 0
    return Seen(int(requests[1]), {name: count for name, count in errors.items() if count})


def roll(
    directory: Path,
    start: Callable[[int], Service],
    restarts: int,
    before: Callable[[Service], None] = nothing_first,
) -> tuple[Seen, list[int | None]]:
    """Restart instances under load, one after the other; return what clients saw and all exit codes."""
    with (
        Deployment(directory, start, before) as deployment,
        nginx(directory, deployment.ports) as port,
        load(port) as end,
    ):
        codes = [deployment.restart(("first", "second")[number % 2]) for number in range(restarts)]
        return end(), codes
