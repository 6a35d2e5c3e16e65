"""Where the metrics page and the probes are served: beside the application, and on the ops port."""

from collections.abc import Callable
from contextlib import suppress
from errno import EADDRINUSE
from functools import partial
from pathlib import Path

from observekit.asgi import ASGIApp, Scope
from observekit.config import Config
from observekit.guard import Guard
from observekit.health.check import Check
from observekit.health.endpoints import Ask, Known, Probes, known_beside_application, known_on_ops_port
from observekit.health.siblings import Lives, Siblings
from observekit.health.state import Health
from observekit.http.table import paths
from observekit.install.health_file import HealthFile, Others
from observekit.install.instruments import Instruments
from observekit.install.kit import Kit
from observekit.install.management import Management
from observekit.install.voice import Voice
from observekit.install.waits import Waits
from observekit.install.workers import Workers
from observekit.integrations import trio
from observekit.metrics.workers.parents import workers_of
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
from observekit.ops.listeners import is_one_of
from observekit.ops.server import OpsServer


class Ports:
    """The same endpoints for both ports, each with its rules and its own rendering of the page.

    Attributes:
        found: What there is to say at start, as sentences.
    """

    def __init__(
        self, kit: Kit, health: Health, instruments: Instruments, workers: Workers | None, guard: Guard
    ) -> None:
        self._kit = kit
        self._health = health
        self._workers = workers
        self.found: list[str] = []
        self._waits = Waits(guard)
        self._instruments = instruments
        self._guard = guard
        self._has_token = Access(kit.config.metrics_token, EVERYBODY).knows
        self._managed: Management | None = None
        self._siblings = self._of_all_workers(kit.config)
        self._lives = self._lives_of_all_workers(kit.config)

    def beside_application(self) -> dict[str, ASGIApp]:
        """Return the endpoints that go before the application, on its event loop."""
        aside = Aside(trio.result_of)
        self._kit.on_release(aside.close)
        around = beside(self._kit.engine.home, aside)
        known = known_beside_application(self._has_token)
        return self._endpoints(self._kit.config.metrics_allow, known, around)

    def open(self, voice: Voice) -> None:
        """Be there for those who manage the process, in the ways that are wanted."""
        self._managed = managed = Management(self._kit, voice, self._guard)
        self._open_ops_port(managed, voice)
        # The directory of the socket says who may come.
        managed.open(lambda: self._endpoints(EVERYBODY, _everybody, alone=True))
        self._write_health()

    def _of_all_workers(self, config: Config) -> Siblings | None:
        """Return what knows the readiness of the other workers, where it is that of all that is told."""
        if config.readiness_workers == "own" or config.readiness_path is None or not config.health:
            return None

        failed = partial(self._guard.failed, "health")
        siblings = Siblings(
            config.readiness_workers, config.readiness_path, self._others, failed, self._is_apart
        )
        self._kit.at_end("ops", _nothing, siblings.stop)
        return siblings

    def _lives_of_all_workers(self, config: Config) -> Lives | None:
        """Return what knows whether the other workers live, where somebody asks one about all of them."""
        asked = config.ops_port is not None or config.heartbeat_file is not None
        if not asked or config.liveness_path is None or not config.health:
            return None
        failed = partial(self._guard.failed, "health")
        lives = Lives(config.liveness_path, self._others, config.liveness_stall_seconds, failed)
        self._kit.at_end("ops", _nothing, lives.stop)
        return lives

    def _others(self) -> list[Path]:
        return [] if self._managed is None else self._managed.siblings()

    def _is_apart(self) -> bool:
        return self._managed is not None and self._managed.is_apart

    def _open_ops_port(self, managed: Management, voice: Voice) -> None:
        """Serve on the ops port, if one is wanted; a port that cannot be had is told, and stops nobody."""
        config = self._kit.config
        if config.ops_port is None:
            return
        # Who may come here is said by the address it listens on.
        served = self._endpoints(EVERYBODY, known_on_ops_port(self._has_token), lives=self._lives)
        served.update(managed.endpoints)
        server = OpsServer(served, self._guard)
        self._kit.ops = server
        self._kit.at_end("ops", _nothing, self._close)
        try:
            server.start(config.ops_host, config.ops_port)
        except (OSError, RuntimeError) as error:
            if _is_taken(error) and self._is_taken_by_another_worker(config.ops_port):
                self.found.append(
                    f"ops port {config.ops_port} is taken, as by another worker; this one waits for it"
                )
            else:
                voice.ops_port_unavailable(config, error)
            if _is_taken(error) and not self._is_tended():
                self._waits.begin(lambda: self._has_it(server, voice))
        if self._workers is not None:
            self._workers.also.append(lambda: self._look_after(server, voice))

    def _is_taken_by_another_worker(self, port: int) -> bool:
        workers = self._workers
        if workers is None or not workers.member.is_worker or workers.directory is None:
            return False
        return is_one_of(workers_of(workers.directory), port)

    def _is_tended(self) -> bool:
        return self._workers is not None and self._workers.member.is_worker

    def _has_it(self, server: OpsServer, voice: Voice) -> bool:
        """Try to serve, and tell whether there is no more to wait for."""
        if not self._is_tended():  # It may have become a worker meanwhile.
            self._look_after(server, voice)
        return server.port is not None or self._kit.ops is not server

    def _look_after(self, server: OpsServer, voice: Voice) -> None:
        """Serve on the ops port if who did so has gone; but not for a service that has ended."""
        config = self._kit.config
        if self._workers is not None and self._workers.is_orphan:
            # It would tell that the service lives, and keep the next one off the port.
            server.stop(0.0)
        elif server.port is None and config.ops_port and self._kit.ops is server:
            with suppress(OSError, RuntimeError):
                server.start(config.ops_host, config.ops_port)
                voice.ops_port_taken_over(config)
            if self._kit.ops is not server:  # It was closed meanwhile.
                server.stop(0.0)

    def _close(self, budget_seconds: float) -> None:
        self._waits.end()
        server, self._kit.ops = self._kit.ops, None
        if server is not None:
            server.stop(budget_seconds)

    def _write_health(self) -> None:
        """Keep a file that says how the process is, if one is wanted."""
        file = self._kit.config.heartbeat_file
        if file is None:
            return
        config, lifecycle = self._kit.config, self._kit.lifecycle
        probes = Probes(self._health, _everybody, config.service_version, lives=self._lives)
        questions = {"ready": probes.readiness, "live": probes.liveness, "startup": probes.startup}
        paths_of_all = {"ready": config.readiness_path, "startup": config.startup_path}
        targets = {name: path for name, path in paths_of_all.items() if path is not None and config.health}
        others = Others(self._others, targets)
        written = HealthFile(Path(file), questions, others, lambda: lifecycle.has_begun, self._guard)
        self._kit.at_end("ops", _nothing, written.stop)
        self._start(written)
        join = self._kit.join

        def join_and_write() -> None:
            join()
            self._start(written)

        self._kit.join = join_and_write

    def _start(self, written: HealthFile) -> None:
        try:
            written.start()
        except RuntimeError as error:
            self._guard.failed("health", error)

    def tell_shadowed(self, app: object, voice: Voice) -> None:
        """Say which routes of *app* nobody reaches, because what goes before it has their paths."""
        routes = paths(app)
        shadowed = {path: name for path, name in served_paths(self._kit.config).items() if path in routes}
        if shadowed:
            voice.routes_shadowed(shadowed)

    def _endpoints(
        self,
        allow: tuple[str, ...],
        known: Known,
        around: Callable[[Ask], Ask] = as_it_is,
        *,
        alone: bool = False,
        lives: Lives | None = None,
    ) -> dict[str, ASGIApp]:
        # A page that is being made on a loop that is stuck must not be waited for on the other.
        member = None if self._workers is None else self._workers.member
        exposition = self._instruments.exposition(self._kit.registry, self._guard, member)
        self._kit.on_release(exposition.close)
        config, guard = self._kit.config, self._guard
        access = Access(config.metrics_token, allow)
        siblings = None if alone else self._siblings
        is_apart = self._is_apart if alone else _no
        probes = Probes(self._health, known, config.service_version, siblings, lives, is_apart)
        served = endpoints(config, exposition, probes, access, guard, around)

        def added(check: Check) -> None:
            path = check_path(config, check)
            if path is not None:
                served[path] = health_endpoint(around(probes.alone(check)), guard)

        self._health.engine.when_added(added)
        return served


def _is_taken(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == EADDRINUSE


def _everybody(_: Scope) -> bool:
    return True


def _no() -> bool:
    return False


def _nothing(_: float) -> None:
    """Do nothing: an answer is not telemetry that could be lost."""
