"""Who else traces or measures the requests of an application, found when it is first served."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from opentelemetry.trace import get_current_span

from observekit.asgi import Scope
from observekit.guard import Guard
from observekit.http.contrib import Around

Told = Callable[[str, list[str]], None]

# Attribute of an application whose own telemetry was on before observekit came; see integrations.
_SILENCED: Final = "_observekit_silenced"
_AROUND: Final = "OpenTelemetry's instrumentation, around: the SERVER span is its own"
_OWN: Final = "FastAPI's own telemetry"
_BY_PACKAGE: Final = {
    "observekit": "observekit, once more",
    "opentelemetry.instrumentation": "OpenTelemetry's ASGI middleware, within",
    "starlette.middleware.opentelemetry": "Starlette's OpenTelemetry middleware, within",
    "prometheus_fastapi_instrumentator": "prometheus-fastapi-instrumentator, within",
    "starlette_exporter": "starlette-exporter, within",
}
# More than there are middlewares around an application.
_STEPS: Final = 64


class Neighbours:
    """Looks around an application when it starts and when it is first asked, and tells what is new."""

    __slots__ = ("_app", "_around", "_guard", "_known", "_told")

    def __init__(self, app: object, around: Around, told: Told, guard: Guard) -> None:
        self._app = app
        self._around = around
        self._told = told
        self._guard = guard
        self._known: set[str] = set()

    def look(self, scope: Scope, send: object) -> None:
        """Tell who else is there, if anybody is that was not told before."""
        try:
            found = [one for one in dict.fromkeys(self._found(scope, send)) if one not in self._known]
            if found:
                self._known.update(found)
                self._told(type(scope.get("app", self._app)).__name__, found)
        except Exception as error:  # noqa: BLE001 -- whatever an application is made of
            self._guard.failed("config", error)

    def _found(self, scope: Scope, send: object) -> Iterator[str]:
        if scope.get("type") != "lifespan" and self._around.has_begun(get_current_span(), send):
            yield _AROUND
        if _has_own(scope.get("app", self._app)):
            yield _OWN
        for kind in _within(self._app):
            for package, told in _BY_PACKAGE.items():
                if f"{kind.__module__}.".startswith(f"{package}."):
                    yield told


def _has_own(app: object) -> bool:
    own = getattr(app, "_telemetry", None)
    return bool(getattr(app, _SILENCED, False)) or (isinstance(own, dict) and any(own.values()))


def _within(app: Any) -> Iterator[type]:
    """Yield what *app* is made of, from its outermost middleware on."""
    for _ in range(_STEPS):
        if app is None:
            return
        yield type(app)
        for added in getattr(app, "user_middleware", ()):
            yield added.cls
        app = getattr(app, "app", None)
