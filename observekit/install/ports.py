"""Where the metrics page and the probes are served: beside the application, and on the ops port."""

from collections.abc import Callable

from observekit.asgi import ASGIApp
from observekit.guard import Guard
from observekit.health.endpoints import Probes
from observekit.http.table import paths
from observekit.install.instruments import Instruments
from observekit.install.kit import Kit
from observekit.install.voice import Voice
from observekit.integrations import trio
from observekit.ops.access import EVERYBODY, Access
from observekit.ops.aside import Aside
from observekit.ops.endpoints import Ask, as_it_is, beside, endpoints, served_paths
from observekit.ops.server import OpsServer


class Ports:
    """The same endpoints for both ports, each with its rules and its own rendering of the page."""

    def __init__(self, kit: Kit, instruments: Instruments, guard: Guard) -> None:
        self._kit = kit
        self._instruments = instruments
        self._guard = guard
        token = kit.config.metrics_token
        self._probes = Probes(kit.lifecycle, kit.engine, Access(token, EVERYBODY).knows)

    def beside_application(self) -> dict[str, ASGIApp]:
        """Return the endpoints that go before the application, on its event loop."""
        aside = Aside(trio.result_of)
        self._kit.on_release(aside.close)
        return self._endpoints(self._kit.config.metrics_allow, beside(self._kit.engine.home, aside))

    def open_ops_port(self, voice: Voice) -> None:
        """Serve on the ops port, if one is wanted; a port that cannot be had is told, and stops nobody."""
        config = self._kit.config
        if config.ops_port is None:
            return
        # Who may come here is said by the address it listens on.
        server = OpsServer(self._endpoints(EVERYBODY), self._guard)
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
        self, allow: tuple[str, ...], around: Callable[[Ask], Ask] = as_it_is
    ) -> dict[str, ASGIApp]:
        # A page that is being made on a loop that is stuck must not be waited for on the other.
        exposition = self._instruments.exposition(self._kit.registry, self._guard)
        self._kit.on_release(exposition.close)
        access = Access(self._kit.config.metrics_token, allow)
        return endpoints(self._kit.config, exposition, self._probes, access, self._guard, around)


def _nothing(_: float) -> None:
    """Do nothing: an answer is not telemetry that could be lost."""
