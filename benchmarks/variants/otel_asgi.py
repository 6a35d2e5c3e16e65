"""OpenTelemetry's ASGI middleware alone."""

from importlib import import_module

from benchmarks.app import application
from benchmarks.choice import Choice
from benchmarks.provider import set_provider
from observekit.asgi import ASGIApp


def build(choice: Choice) -> ASGIApp:
    """Return the application with the middleware around it."""
    set_provider(choice)
    app = application()
    app.add_middleware(import_module("opentelemetry.instrumentation.asgi").OpenTelemetryMiddleware)
    return app
