"""The shop: where its code is, and how its services are started and found ready."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import httpx

from observekit.cli.demo.ports import LOOPBACK, listen
from observekit.cli.demo.processes import Child, Children
from observekit.errors import ObservekitError

NAMES: Final = ("storefront", "orders", "inventory")
"""The services, in the order in which a request passes them."""

_PACKAGE: Final = Path(__file__).parents[2]
_PLACES: Final = (_PACKAGE / "_examples", _PACKAGE.parent / "examples")
_POLL_SECONDS: Final = 0.05
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the shop, and where it listens."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"


class NotReadyError(Exception):
    """A service did not become ready in time."""


def app_directory() -> Path:
    """Return the directory that holds the package ``shop``: of the wheel, or of a checkout.

    Raises:
        ObservekitError: If it is in neither.
    """
    for place in _PLACES:
        if (place / "shop" / "storefront.py").is_file():
            return place
    looked = " nor ".join(str(place / "shop") for place in _PLACES)
    raise ObservekitError(f"the shop is neither in {looked}. Install observekit again.")


def environment(given: Mapping[str, str], services: Mapping[str, Service], collector: str) -> dict[str, str]:
    """Return the environment of the services: *given* without settings of telemetry and with our own."""
    kept = {name: value for name, value in given.items() if not name.startswith(("OTEL_", "OBSERVEKIT_"))}
    direct = ",".join(filter(None, (given.get("no_proxy") or given.get("NO_PROXY"), LOOPBACK)))
    return {
        **kept,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "ORDERS_URL": services["orders"].url,
        "INVENTORY_URL": services["inventory"].url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        # Milliseconds: somebody is waiting for the trace.
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,deployment.environment.name=demo",
    }


class Shop:
    """The three services, running."""

    def __init__(self, services: Mapping[str, Service], children: Mapping[str, Child]) -> None:
        self.services = services
        self.children = children

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    async def ready(self, client: httpx.AsyncClient, stop: asyncio.Event) -> None:
        """Wait until every service says that it is ready, or until *stop*.

        Raises:
            NotReadyError: If one is not within 30 s.
        """
        deadline = monotonic() + _START_SECONDS
        for service in self.services.values():
            while not stop.is_set():
                said = await _readiness(client, service)
                if said == "ok":
                    break
                if monotonic() > deadline:
                    raise NotReadyError(
                        f"{service.name} is not ready after {_START_SECONDS:.0f} s; it says {said!r}."
                    )
                await asyncio.sleep(_POLL_SECONDS)


async def open_shop(children: Children, base: int, logs: Path, scratch: Path, collector: str) -> Shop:
    """Start the services on free ports from *base* on, inventory first, because it needs nobody.

    Their databases go below *scratch*, so that those of a service that was killed do not stay behind.
    """
    place = app_directory()
    sockets = _sockets(base)
    try:
        services = {name: Service(name, one.getsockname()[1]) for name, one in sockets.items()}
        environ = environment(os.environ, services, collector) | {"TMPDIR": str(scratch)}
        started = {
            name: await children.start(
                name,
                _uvicorn(name, place, sockets[name]),
                logs,
                environ=environ,
                pass_fds=(sockets[name].fileno(),),
            )
            for name in reversed(NAMES)
        }
    finally:
        for one in sockets.values():
            one.close()
    return Shop(services, started)


def _sockets(base: int) -> dict[str, socket.socket]:
    sockets: dict[str, socket.socket] = {}
    for name in NAMES:
        sockets[name] = listen(base)
        base = sockets[name].getsockname()[1] + 1
    return sockets


def _uvicorn(name: str, place: Path, listening: socket.socket) -> list[str]:
    # -P: what lies in the current directory must not be imported instead of what is installed.
    return [
        *(sys.executable, "-P", "-m", "uvicorn", f"shop.{name}:app", "--app-dir", str(place)),
        *("--fd", str(listening.fileno()), "--timeout-graceful-shutdown", "3"),
    ]


async def _readiness(client: httpx.AsyncClient, service: Service) -> str:
    try:
        answer = await client.get(f"{service.url}/readyz", timeout=2)
    except httpx.TransportError as error:
        return type(error).__name__
    return answer.text.strip()
