"""Servers: where each of them loads its application, so that one without a line of ours is observed."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")


class Steps(NamedTuple):
    """What is done around the load of an application.

    ``before`` is called when its module is about to be imported, ``observed`` returns it with a layer around,
    and ``loaded`` is called where nothing else will tell that the server is ready.
    """

    before: Callable[[], None]
    observed: Callable[[Any], Any]
    loaded: Callable[[], None]


_OUTSIDE: Final = frozenset({"MessageLoggerMiddleware", "ProxyHeadersMiddleware"})
# Source: gunicorn/workers: those that call WSGI applications.
_WSGI_WORKERS: Final = frozenset(
    f"gunicorn.workers.{name}" for name in ("sync", "gthread", "ggevent", "geventlet", "gtornado")
)


def _uvicorn(module: Any, steps: Steps) -> None:
    """Change what ``Config.load`` leaves; gunicorn's worker for uvicorn comes by here too.

    Source: uvicorn/config.py. The layer goes within what uvicorn puts around for proxies, so that it
    knows the client and not the proxy.
    """

    def load(original: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(original)
        def loading(config: Any) -> None:
            steps.before()
            original(config)
            if config.interface == "wsgi":
                return
            holder, name = config, "loaded_app"
            while type(getattr(holder, name)).__name__ in _OUTSIDE:
                holder, name = getattr(holder, name), "app"
            setattr(holder, name, steps.observed(getattr(holder, name)))

        return loading

    module.Config.load = load(module.Config.load)


def _hypercorn(module: Any, steps: Steps) -> None:
    """Change what ``load_application`` returns. Source: hypercorn/utils.py, app_wrappers.py."""

    def load(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def loading(*given: Any, **named: Any) -> Any:
            steps.before()
            wrapped = original(*given, **named)
            if type(wrapped).__name__ == "ASGIWrapper":
                wrapped.app = steps.observed(wrapped.app)
            return wrapped

        return loading

    module.load_application = load(module.load_application)


def _granian_loads(module: Any, steps: Steps) -> None:
    """Note when ``load_target`` begins. Source: granian/_internal.py; it is pickled by its name."""
    module.load_target = _after(steps.before, module.load_target)


def _granian(module: Any, steps: Steps) -> None:
    """Change what takes an application over, for requests and for the lifespan. Source: granian/asgi.py."""

    def take(original: Callable[..., T], place: int) -> Callable[..., T]:
        @wraps(original)
        def taking(*given: Any, **named: Any) -> T:
            changed = [*given]
            changed[place] = steps.observed(given[place])
            return original(*changed, **named)

        return taking

    # Callers hand the application over as the first argument, after the object itself where there is one.
    module._callback_wrapper = take(module._callback_wrapper, 0)  # noqa: SLF001 -- there is no public place
    module.LifespanProtocol.__init__ = take(module.LifespanProtocol.__init__, 1)


def _gunicorn_loads(module: Any, steps: Steps) -> None:
    """Set up before a worker of any kind loads its application. Source: gunicorn/workers/base.py."""

    def load(original: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(original)
        def loading(worker: Any) -> None:
            steps.before()
            original(worker)
            if type(worker).__module__ in _WSGI_WORKERS:
                steps.loaded()

        return loading

    module.Worker.load_wsgi = load(module.Worker.load_wsgi)


def _gunicorn(module: Any, steps: Steps) -> None:
    """Change what ``load_wsgi`` leaves. Source: gunicorn/workers/gasgi.py."""

    def load(original: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(original)
        def loading(worker: Any) -> None:
            steps.before()
            original(worker)
            worker.asgi = steps.observed(worker.asgi)

        return loading

    module.ASGIWorker.load_wsgi = load(module.ASGIWorker.load_wsgi)


def _after(before: Callable[[], None], original: Callable[..., T]) -> Callable[..., T]:
    @wraps(original)
    def call(*given: Any, **named: Any) -> T:
        before()
        return original(*given, **named)

    return call


SERVERS: Final[dict[str, Callable[[Any, Steps], None]]] = {
    "granian._internal": _granian_loads,
    "granian.asgi": _granian,
    "gunicorn.workers.base": _gunicorn_loads,
    "gunicorn.workers.gasgi": _gunicorn,
    "hypercorn.utils": _hypercorn,
    "uvicorn.config": _uvicorn,
}
"""How a server is changed, by the module that has just been imported."""
