"""A shop under traffic, Prometheus with the rules of a rehearsal, Alertmanager and somebody it calls."""

import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from observekit.cli.demo.traffic import MIX, OPENING
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.parameters import Parameters
from tests.real.conftest import LOOPBACK, Process, Start, answers, free_port, program, until

REHEARSAL = 60
"""An hour of the rules is a minute here."""


@dataclass
class Called:
    """Whom Alertmanager calls, and what it was told."""

    alerts: list[dict[str, Any]] = field(default_factory=list)

    def told(self, name: str, status: str = "firing", **labels: str) -> bool:
        """Return whether an alert of that name was told of, with *labels* among its labels."""
        return any(
            alert["status"] == status
            and alert["labels"]["alertname"] == f"Observekit{name}"
            and labels.items() <= alert["labels"].items()
            for alert in list(self.alerts)
        )

    def names(self) -> set[str]:
        """Return the names of all alerts that were told of."""
        return {alert["labels"]["alertname"] for alert in list(self.alerts)}


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    shop: Mapping[str, Process]
    prometheus: Process
    called: Called

    def ask(self, query: str, **more: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers, at the moment or from a start to an end in steps."""
        kind = "query_range" if more else "query"
        url = f"{self.prometheus.url}/api/v1/{kind}"
        answer = httpx.post(url, data={"query": query, **more}).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve *handler* on loopback and yield the port."""
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def calling(called: Called) -> Iterator[int]:
    """Take what Alertmanager posts, and yield the port."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            called.alerts += json.loads(body)["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the server's
            """Say nothing."""

    with listening(Hook) as port:
        yield port


class Collector(BaseHTTPRequestHandler):
    """Takes every span: exemplars stand for traces that are kept somewhere."""

    def do_POST(self) -> None:
        """Take a batch."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the server's
        """Say nothing."""


@contextmanager
def traffic(storefront: str) -> Iterator[None]:
    """Send customers to the shop until the end of the block."""
    stop = threading.Event()
    chance = random.Random(20)  # noqa: S311 -- customers, not secrets

    def shopping() -> None:
        opening = iter(OPENING)
        with httpx.Client(base_url=storefront, timeout=10) as client:
            while not stop.wait(0.02):
                request = next(opening, None) or chance.choices(list(MIX), list(MIX.values()))[0]
                try:
                    client.request(*request)
                except httpx.HTTPError:
                    continue  # The shop may be half down.

    customers = [threading.Thread(target=shopping) for _ in range(2)]
    for customer in customers:
        customer.start()
    try:
        yield
    finally:
        stop.set()
        for customer in customers:
            customer.join()


def start_prometheus(
    start: Start, shop: Mapping[str, Process], missing: int, hook: int, directory: Path
) -> Process:
    """Start Alertmanager, and Prometheus with rules that takes alerts to it."""
    manager = _start_alertmanager(start, hook, directory)
    rules = rule_files(Parameters(rehearsal=REHEARSAL))["rules/observekit.yaml"]
    (directory / "rules.yaml").write_text(rules, encoding="utf-8")
    ports = {name: one.port for name, one in shop.items()} | {"missing": missing}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{manager.port}"]}]}]},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}
            for name, port in ports.items()
        ],
    }
    (directory / "prometheus.yaml").write_text(json.dumps(config), encoding="utf-8")
    port = free_port()
    prometheus = start(
        "prometheus",
        [
            program("prometheus"),
            f"--config.file={directory / 'prometheus.yaml'}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--enable-feature=exemplar-storage",
        ],
        port=port,
    )
    until(lambda: answers(f"{prometheus.url}/-/ready"), prometheus.text)
    return prometheus


def _start_alertmanager(start: Start, hook: int, directory: Path) -> Process:
    config = {
        "route": {
            "receiver": "somebody",
            "group_by": ["alertname", "job"],
            "group_wait": "0s",
            "group_interval": "1s",
        },
        "receivers": [
            {
                "name": "somebody",
                "webhook_configs": [{"url": f"http://{LOOPBACK}:{hook}/", "send_resolved": True}],
            }
        ],
    }
    (directory / "alertmanager.yaml").write_text(json.dumps(config), encoding="utf-8")
    port = free_port()
    manager = start(
        "alertmanager",
        [
            program("prometheus-alertmanager"),
            f"--config.file={directory / 'alertmanager.yaml'}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--cluster.listen-address=",
        ],
        port=port,
    )
    until(lambda: answers(f"{manager.url}/-/ready"), manager.text)
    return manager
