"""The export of spans, put together from the configuration: where they go, and how much may wait."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

from observekit.config import Config
from observekit.guard import Guard
from observekit.install.instruments import Instruments


def make_queue(config: Config, instruments: Instruments, guard: Guard, found: list[str]) -> Any:
    """Return the queue that sends spans; nothing where they go nowhere, and *found* is told why."""
    if config.traces_endpoint is None or config.traces_exporter == "none":
        return None
    connect = _grpc(config, found) if config.traces_protocol == "grpc" else _http(config)
    if connect is None:
        return None
    # The SDK, only where it is used.
    export = import_module("observekit.traces.export")
    bounds = export.Bounds(
        spans=config.span_queue_size,
        size=config.span_queue_bytes,
        batch=config.span_batch_size,
        delay_seconds=config.span_delay_seconds,
        timeout_seconds=min(config.traces_timeout_seconds, config.span_export_timeout_seconds),
    )
    queue = export.ExportQueue(connect, bounds, instruments, guard)
    instruments.show_waiting(queue.held)
    return queue


def make_keeper(config: Config, instruments: Instruments, queue: Any) -> Any:
    """Return what holds spans that are not sampled, in front of *queue*; nothing where none are kept."""
    if queue is None or not (config.keep_errors or config.keep_slow_seconds is not None):
        return None
    keeping = import_module("observekit.traces.keeping")
    return keeping.Keeper(
        queue,
        errors=config.keep_errors,
        slow_seconds=config.keep_slow_seconds,
        room=keeping.Room(config.span_queue_size, config.span_queue_bytes),
        decided=instruments.trace_decided,
    )


def _agent() -> str:
    # Source: OTLP specification, user agent: that of the product comes before the exporter's.
    return f"observekit/{version('observekit')} OTel-OTLP-Exporter-Python"


def _certificates(config: Config) -> Any:
    made = import_module("observekit.traces.tls").Certificates
    return made(config.traces_certificate, config.traces_client_certificate, config.traces_client_key)


def _http(config: Config) -> Callable[[], Any]:
    return http_transport(config, config.traces_endpoint or "", config.traces_headers)


def http_transport(config: Config, endpoint: str, headers: Mapping[str, str]) -> Callable[[], Any]:
    """Return what makes a transport to *endpoint*."""
    http = import_module("observekit.traces.http")
    target = http.Target(
        endpoint,
        dict(headers),
        config.traces_compression == "gzip",
        _certificates(config),
    )
    return partial(http.HttpTransport, target, _agent())


def _grpc(config: Config, found: list[str]) -> Callable[[], Any] | None:
    try:
        import_module("grpc")
    except Exception as error:  # noqa: BLE001 -- missing, or at odds with the system
        found.append(
            f"no gRPC ({type(error).__name__}): spans are not sent; "
            "install it with pip install 'observekit[otlp-grpc]'"
        )
        return None
    grpc = import_module("observekit.traces.grpc")
    target = grpc.Target(
        config.traces_endpoint,
        dict(config.traces_headers),
        config.traces_compression == "gzip",
        _certificates(config),
    )
    return partial(grpc.GrpcTransport, target, _agent())
