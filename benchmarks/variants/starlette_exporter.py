"""starlette-exporter alone."""

from importlib import import_module

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit.asgi import ASGIApp


def build(_: Choice) -> ASGIApp:
    """Return the application with the exporter's middleware around it, routes grouped by template."""
    exporter = import_module("starlette_exporter")
    app = application()
    app.add_middleware(exporter.PrometheusMiddleware, group_paths=True)
    app.add_route("/metrics", exporter.handle_metrics)
    return app
