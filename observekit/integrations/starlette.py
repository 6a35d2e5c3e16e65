"""Starlette and FastAPI: where the outermost layer goes, and how they are kept from tracing a second time."""

from collections.abc import Callable
from typing import Any, Final

from observekit.asgi import ASGIApp

SCOPE_CLAIMS: Final = {"fastapi.telemetry": None, "starlette.opentelemetry": True}
"""Keys by which FastAPI (from 0.142) and Starlette's middleware (from 1.7) leave a request to others.

FastAPI asks whether the key is there, and further in whether its value is ``None``.
"""

_LAYER: Final = "_observekit_layer"


def is_application(app: object) -> bool:
    """Whether *app* builds its middleware stack as Starlette does."""
    return hasattr(app, "build_middleware_stack") and hasattr(app, "middleware_stack")


def add_layer(app: Any, layer: Callable[[ASGIApp], ASGIApp]) -> bool:
    """Put *layer* around everything in *app*, its error middleware included; ``False`` if it is there.

    ``add_middleware`` would put it inside of the error middleware, which answers 500 for exceptions:
    the layer would not see those responses. Another layer than this is one of a kit that has ended, and
    is replaced.
    """
    before = getattr(app, _LAYER, None)
    if before is layer:
        return False
    setattr(app, _LAYER, layer)
    if before is not None:
        app.middleware_stack = None  # Built anew at the next request, with the layer of now.
        return True
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: getattr(app, _LAYER)(build())
    if app.middleware_stack is not None:
        app.middleware_stack = layer(app.middleware_stack)
    return True


def silence(app: object, *, traces: bool, metrics: bool) -> bool:
    """Turn FastAPI's own telemetry off, which begins outside of any middleware; say whether there was some.

    With *traces*, everything is ours; with *metrics* alone, FastAPI goes on tracing.

    The dictionary is what ``FastAPI(telemetry=…)`` fills. Where it is gone, FastAPI's span is the one
    that the request keeps, because its key is in the scope before ours.
    """
    own = getattr(app, "_telemetry", None)
    if not isinstance(own, dict) or not {"tracing", "metrics", "logs"} <= own.keys():
        return False
    if traces:
        own.update(tracing=False, metrics=False, logs=False)
    elif metrics:
        own.update(metrics=False)
    return True
