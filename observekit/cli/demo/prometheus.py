"""A Prometheus of its own for the shop, with the configuration that is shipped."""

import asyncio
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.cli.demo.ports import LOOPBACK, free_port
from observekit.cli.demo.processes import Children
from observekit.cli.demo.shop import Service
from observekit.dashboards.provisioning import prometheus_yaml
from observekit.errors import ObservekitError
from observekit.semconv import HTTP_ROUTE, label

_COUNT: Final = f"{REQUEST_DURATION.name}_count"
RATES: Final = f"sum(rate({_COUNT}[1m])) by ({label(HTTP_ROUTE)})"
TOTALS: Final = f"sum({_COUNT}) by ({label(HTTP_ROUTE)})"
NAME: Final = "prometheus"

_PORT: Final = 9090
_POLL_SECONDS: Final = 0.1
_CATCH_UP_POLLS: Final = 30
_SCRAPE_INTERVAL: Final = "1s"
# As they stand in the shipped file.
_JOB, _JOB_NAME, _TARGET = "  - job_name:", "job_name: service\n", "- 127.0.0.1:8000\n"


def program() -> str:
    """Return the path of Prometheus.

    Raises:
        ObservekitError: If there is none.
    """
    found = shutil.which(NAME)
    if found is None:
        raise ObservekitError(
            "--prometheus needs the program prometheus, and PATH has none. Install it, on Debian with "
            "apt install prometheus, or leave the option out."
        )
    return found


def configuration(services: Iterable[Service]) -> str:
    """Return the shipped configuration with a job for each of *services*, scraped every second."""
    head, begin, job = prometheus_yaml(_SCRAPE_INTERVAL).partition(_JOB)
    job = begin + job
    return head + "".join(
        job.replace(_JOB_NAME, f"job_name: {service.name}\n").replace(
            _TARGET, f"- {LOOPBACK}:{service.port}\n"
        )
        for service in services
    )


async def start(children: Children, services: Iterable[Service], directory: Path, logs: Path) -> str:
    """Start Prometheus with its data below *directory*, and return its address."""
    file = directory / "prometheus.yml"
    file.write_text(configuration(services), encoding="utf-8")
    address = f"{LOOPBACK}:{free_port(_PORT)}"
    command = [
        program(),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    await children.start(NAME, command, logs, environ=os.environ)
    return f"http://{address}"


async def ready(client: httpx.AsyncClient, url: str, stop: asyncio.Event) -> None:
    """Wait until it answers, or until *stop*; should it end instead, whoever watches the children knows."""
    while not stop.is_set():
        try:
            if (await client.get(f"{url}/-/ready")).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(_POLL_SECONDS)


async def caught_up(client: httpx.AsyncClient, url: str, requests: float) -> None:
    """Wait until it has seen that many *requests*, which takes a scrape; for a few seconds at most."""
    for _ in range(_CATCH_UP_POLLS):
        if sum((await ask(client, url, TOTALS)).values()) >= requests:
            return
        await asyncio.sleep(_POLL_SECONDS)


async def ask(client: httpx.AsyncClient, url: str, query: str) -> Mapping[str, float]:
    """Return the answer to *query* by route."""
    answer = await client.get(f"{url}/api/v1/query", params={"query": query})
    result: Any = answer.raise_for_status().json()["data"]["result"]
    return {one["metric"].get(label(HTTP_ROUTE), ""): float(one["value"][1]) for one in result}
