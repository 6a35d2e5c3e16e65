"""observekit in the code, and turned off."""

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit import instrument
from observekit.asgi import ASGIApp


def build(_: Choice) -> ASGIApp:
    """Return the application that observekit was asked to leave alone."""
    app = application()
    instrument(app, service_name="bench", enabled=False)
    return app
