"""prometheus-fastapi-instrumentator alone."""

from importlib import import_module

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit.asgi import ASGIApp


def build(_: Choice) -> ASGIApp:
    """Return the application with the instrumentator's middleware around it."""
    app = application()
    import_module("prometheus_fastapi_instrumentator").Instrumentator().instrument(app).expose(app)
    return app
