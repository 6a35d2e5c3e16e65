"""Starlette and FastAPI: where the outermost layer goes, and how they are kept from tracing a second time."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from observekit.asgi import ASGIApp

SCOPE_CLAIMS: Final = {"fastapi.telemetry": None, "starlette.opentelemetry": True}
"""Keys by which FastAPI (from 0.142) and Starlette's middleware (from 1.7) leave a request to others.

FastAPI asks whether the key is there, and further in whether its value is ``None``.
"""

SILENCED: Final = "_observekit_silenced"
"""Attribute of an application whose own telemetry was on before observekit came."""

_AROUND: Final = "_observekit_layer"

Layer = Callable[[ASGIApp], ASGIApp]


class _Around(NamedTuple):
    layer: Layer
    built: Callable[[object], None]


def is_application(app: object) -> bool:
    """Whether *app* builds its middleware stack as Starlette does."""
    return hasattr(app, "build_middleware_stack") and hasattr(app, "middleware_stack")


def add_layer(app: Any, layer: Layer, built: Callable[[object], None]) -> bool:
    """Put *layer* around everything in *app*, its error middleware included; ``False`` if it is there.

    ``add_middleware`` would put it inside of the error middleware, which answers 500 for exceptions:
    the layer would not see those responses. Another layer than this is one of a kit that has ended, and
    is replaced. ``built(app)`` is called when *app* is about to serve, with all of its routes.
    """
    before = getattr(app, _AROUND, None)
    if before is not None and before.layer is layer:
        return False
    setattr(app, _AROUND, _Around(layer, built))
    if before is not None:
        app.middleware_stack = None  # Built anew at the next request, with the layer of now.
        return True
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: _put_around(app, build())
    if app.middleware_stack is not None:
        app.middleware_stack = _put_around(app, app.middleware_stack)
    return True


def _put_around(app: Any, stack: ASGIApp) -> ASGIApp:
    around: _Around = getattr(app, _AROUND)
    around.built(app)
    return around.layer(stack)


def silence(app: object, *, traces: bool, metrics: bool) -> bool:
    """Turn FastAPI's own telemetry off, which begins outside of any middleware; say whether there was some.

    With *traces*, everything is ours; with *metrics* alone, FastAPI goes on tracing.

    The dictionary is what ``FastAPI(telemetry=…)`` fills. Where it is gone, FastAPI's span is the one
    that the request keeps, because its key is in the scope before ours.
    """
    own = getattr(app, "_telemetry", None)
    if not isinstance(own, dict) or not {"tracing", "metrics", "logs"} <= own.keys():
        return False
    if any(own.values()):
        setattr(app, SILENCED, True)
    if traces:
        own.update(tracing=False, metrics=False, logs=False)
    elif metrics:
        own.update(metrics=False)
    return True
