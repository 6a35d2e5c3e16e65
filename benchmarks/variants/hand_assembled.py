"""What users assemble: OpenTelemetry ASGI, prometheus-fastapi-instrumentator, structlog over stdlib."""

import logging
import sys
from importlib import import_module
from time import perf_counter
from typing import Any

import structlog
from opentelemetry import trace
from structlog.types import EventDict, Processor

from benchmarks.app import application
from benchmarks.choice import Choice
from benchmarks.provider import set_provider
from observekit.asgi import ASGIApp, Message, Receive, Scope, Send


def build(choice: Choice) -> ASGIApp:
    """Return the application with the three around it, traces outermost."""
    set_provider(choice)
    configure_logs()
    app = application()
    app.add_middleware(AccessLine)
    import_module("prometheus_fastapi_instrumentator").Instrumentator().instrument(app).expose(app)
    app.add_middleware(import_module("opentelemetry.instrumentation.asgi").OpenTelemetryMiddleware)
    return app


class AccessLine:
    """A JSON line for each request, as pure ASGI: with BaseHTTPMiddleware it would cost twice as much."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.stdlib.get_logger("access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, size, started = 500, 0, perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=headers.get("x-request-id", ""))

        async def watch(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = scope.get("route")
            self._log.info(
                "http.request",
                http_request_method=scope["method"],
                http_route=getattr(route, "path", None),
                url_path=scope["path"],
                http_response_status_code=status,
                duration_seconds=perf_counter() - started,
                response_bytes=size,
                client_address=scope["client"][0],
            )


def add_trace_ids(_: Any, __: str, event_dict: EventDict) -> EventDict:
    """Add the ids of the current span, as OpenTelemetry's and structlog's documentation show it."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event_dict["trace_id"] = trace.format_trace_id(context.trace_id)
        event_dict["span_id"] = trace.format_span_id(context.span_id)
    return event_dict


def configure_logs() -> None:
    """Render structlog's and stdlib's records as JSON, as structlog's documentation shows it."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.StackInfoRenderer(),
        add_trace_ids,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
