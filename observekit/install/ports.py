"""Where the metrics page and the probes are served: beside the application, and on the ops port."""

from collections.abc import Callable

from observekit.asgi import ASGIApp
from observekit.guard import Guard
from observekit.health.check import Check
from observekit.health.endpoints import Ask, Known, Probes, known_beside_application, known_on_ops_port
from observekit.health.state import Health
from observekit.http.table import paths
from observekit.install.instruments import Instruments
from observekit.install.kit import Kit
from observekit.install.voice import Voice
from observekit.integrations import trio
from observekit.ops.access import EVERYBODY, Access
from observekit.ops.aside import Aside
from observekit.ops.endpoints import (
    as_it_is,
    beside,
    check_path,
    endpoints,
    health_endpoint,
    served_paths,
)
from observekit.ops.server import OpsServer


class Ports:
    """The same endpoints for both ports, each with its rules and its own rendering of the page."""

    def __init__(self, kit: Kit, health: Health, instruments: Instruments, guard: Guard) -> None:
        self._kit = kit
        self._health = health
        self._instruments = instruments
        self._guard = guard
        self._has_token = Access(kit.config.metrics_token, EVERYBODY).knows

    def beside_application(self) -> dict[str, ASGIApp]:
        """Return the endpoints that go before the application, on its event loop."""
        aside = Aside(trio.result_of)
        self._kit.on_release(aside.close)
        around = beside(self._kit.engine.home, aside)
        known = known_beside_application(self._has_token)
        return self._endpoints(self._kit.config.metrics_allow, known, around)

    def open_ops_port(self, voice: Voice) -> None:
        """Serve on the ops port, if one is wanted; a port that cannot be had is told, and stops nobody."""
        config = self._kit.config
        if config.ops_port is None:
            return
        # Who may come here is said by the address it listens on.
        server = OpsServer(self._endpoints(EVERYBODY, known_on_ops_port(self._has_token)), self._guard)
        try:
            server.start(config.ops_host, config.ops_port)
        except (OSError, RuntimeError) as error:
            voice.ops_port_unavailable(config, error)
            return
        self._kit.ops = server
        self._kit.at_end("ops", _nothing, server.stop)

    def tell_shadowed(self, app: object, voice: Voice) -> None:
        """Say which routes of *app* nobody reaches, because what goes before it has their paths."""
        routes = paths(app)
        shadowed = {path: name for path, name in served_paths(self._kit.config).items() if path in routes}
        if shadowed:
            voice.routes_shadowed(shadowed)

    def _endpoints(
        self, allow: tuple[str, ...], known: Known, around: Callable[[Ask], Ask] = as_it_is
    ) -> dict[str, ASGIApp]:
        # A page that is being made on a loop that is stuck must not be waited for on the other.
        exposition = self._instruments.exposition(self._kit.registry, self._guard)
        self._kit.on_release(exposition.close)
        config, guard = self._kit.config, self._guard
        access = Access(config.metrics_token, allow)
        probes = Probes(self._health, known, config.service_version)
        served = endpoints(config, exposition, probes, access, guard, around)

        def added(check: Check) -> None:
            path = check_path(config, check)
            if path is not None:
                served[path] = health_endpoint(around(probes.alone(check)), guard)

        self._health.engine.when_added(added)
        return served


def _nothing(_: float) -> None:
    """Do nothing: an answer is not telemetry that could be lost."""
