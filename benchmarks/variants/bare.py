"""The application as it is."""

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit.asgi import ASGIApp


def build(_: Choice) -> ASGIApp:
    """Return the application, unobserved."""
    return application()
