"""OpenTelemetry's instrumentations: those that are installed are turned on, and none stops a start.

Each begins when its library has been imported, so that a service pays for what it uses.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from threading import RLock
from typing import Any, Final
from weakref import WeakSet

from observekit.guard import in_forked_child

_GROUP: Final = "opentelemetry_instrumentor"
# What observekit does itself; a second one would trace requests twice, or set up logging anew.
_OURS: Final = frozenset(
    {"asgi", "wsgi", "fastapi", "starlette", "flask", "django", "falcon", "pyramid"}
    | {"logging", "system_metrics"}
)
# The module of a library; of those that are not listed, the name of their instrumentation is tried.
_MODULES: Final[Mapping[str, str]] = {
    "aiohttp-client": "aiohttp",
    "aiohttp-server": "aiohttp",
    "grpc_aio_client": "grpc",
    "grpc_aio_server": "grpc",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "requests": "requests",
    "urllib": "urllib.request",
    "urllib3": "urllib3",
}
_CONVENTIONS: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"

Failed = Callable[[Exception], None]
Undo = Callable[[], object]


class Instrumentors:
    """Turns instrumentations on, and off again.

    Args:
        disabled: Names of entry points that are left alone, or ``*``.
        options: What an instrumentation is told, by the name of its entry point.
        failed: Told what an instrumentation raised.
    """

    def __init__(
        self,
        disabled: Iterable[str],
        options: Mapping[str, Callable[[], dict[str, Any]]],
        failed: Failed,
    ) -> None:
        self._disabled = {*disabled, *_OURS}
        self._options = options
        self._failed = failed
        self._on = True
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._begun: list[Undo] = []
        self._renew_lock()
        in_forked_child(self._renew_lock)

    def begin(self) -> None:
        """Turn on what is installed and not disabled, each when its library is there."""
        if "*" in self._disabled:
            return
        _LIVE.add(self)
        for entry in entry_points(group=_GROUP):
            if entry.name not in self._disabled:
                self._when_imported(entry)

    def undo(self) -> None:
        """Turn off what was turned on here, and turn nothing on any more."""
        with self._lock:
            self._on = False
            _LIVE.discard(self)
            begun, self._begun = self._begun, []
        for one in reversed(begun):
            try:
                one()
            except Exception as error:  # noqa: BLE001 -- the others are still to be turned off
                self._failed(error)

    def _when_imported(self, entry: EntryPoint) -> None:
        module = _MODULES.get(entry.name, entry.name.replace("-", "_"))
        if not _is_there(module):
            if entry.name not in _MODULES:
                self._turn_on(entry)
            return
        if module in sys.modules:
            self._turn_on(entry)
            return
        self._waiting.setdefault(module, []).append(partial(self._turn_on, entry))
        _listen(module)
        if entry.module not in sys.modules:
            # Somebody may import that first, which imports the library before it is whole itself.
            self._waiting.setdefault(entry.module, []).append(partial(self._turn_on, entry, whole=True))
            _listen(entry.module)

    def imported(self, module: str) -> None:
        """Turn on what has waited for *module*."""
        for turn_on in self._waiting.get(module, ()):
            turn_on()

    def _turn_on(self, entry: EntryPoint, *, whole: bool = False) -> None:
        """Turn one on; it may be in the middle of somebody's import, so nothing is raised."""
        try:
            with self._lock:
                if self._on and (whole or not _is_begun(entry.module)):
                    self._instrument(entry)
        except ModuleNotFoundError:
            pass  # It is installed, and what it instruments is not.
        except Exception as error:  # noqa: BLE001 -- one that does not fit its library stops nobody
            self._failed(error)

    def _instrument(self, entry: EntryPoint) -> None:
        instrumentor = entry.load()()
        # Somebody did before us, and it is his to undo; or the library has another version than it fits.
        if instrumentor.is_instrumented_by_opentelemetry or instrumentor._check_dependency_conflicts():  # noqa: SLF001 -- else it logs an error
            return
        more = self._options.get(entry.name)
        with _stable_conventions():
            instrumentor.instrument(**({} if more is None else more()))
        if instrumentor.is_instrumented_by_opentelemetry:
            self._begun.append(instrumentor.uninstrument)

    def _renew_lock(self) -> None:
        self._lock = RLock()


# A hook cannot be taken back, so there is one for each module, which holds nobody.
_LIVE: Final["WeakSet[Instrumentors]"] = WeakSet()
_HEARD: Final[set[str]] = set()


def _listen(module: str) -> None:
    if module not in _HEARD:
        _HEARD.add(module)
        # wrapt is what OpenTelemetry's instrumentations themselves stand on.
        register: Any = import_module("wrapt").register_post_import_hook
        register(lambda _: _arrived(module), module)


def _arrived(module: str) -> None:
    for one in list(_LIVE):
        one.imported(module)


def _is_begun(module: str) -> bool:
    """Whether *module* is being imported right now."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@contextmanager
def _stable_conventions() -> Iterator[None]:
    """Let instrumentations choose the stable names, unless the variable says something else.

    They read it once in the life of a process, when the first of them begins.
    """
    chosen = _CONVENTIONS in os.environ
    if not chosen:
        os.environ[_CONVENTIONS] = "http,database"
    try:
        yield
    finally:
        if not chosen:
            del os.environ[_CONVENTIONS]
