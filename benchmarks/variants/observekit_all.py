"""observekit with all signals, spans exported over OTLP."""

from benchmarks.app import application
from benchmarks.choice import Choice
from observekit import instrument
from observekit.asgi import ASGIApp


def build(choice: Choice) -> ASGIApp:
    """Return the application with observekit around it."""
    app = application()
    instrument(
        app,
        service_name="bench",
        traces_endpoint=choice.endpoint,
        traces_sampler="parentbased_traceidratio",
        traces_sample_ratio=choice.ratio,
        span_queue_size=choice.queue_size,
    )
    return app
