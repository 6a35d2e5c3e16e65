"""observekit with metrics, logs and health, without traces."""

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit import instrument
from observekit.asgi import ASGIApp


def build(_: Choice) -> ASGIApp:
    """Return the application with observekit around it."""
    app = application()
    instrument(app, service_name="bench", traces=False)
    return app
