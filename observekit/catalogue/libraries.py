"""Metrics that libraries make through OpenTelemetry, and boards draw: on the page of who uses them."""

from typing import Final

from observekit.catalogue.buckets import LATENCY_BUCKETS
from observekit.catalogue.specs import MetricSpec
from observekit.semconv import (
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    SERVER_ADDRESS,
    SERVER_PORT,
    label,
)

# Source: OpenTelemetry HTTP metrics, http.client.request.duration, as instrumentations of clients make it.
HTTP_CLIENT_DURATION: Final = MetricSpec(
    name="http_client_request_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time a request to somebody else took, by the instrumentation of the client that made it.",
    labels=(
        label(HTTP_REQUEST_METHOD),
        label(SERVER_ADDRESS),
        label(SERVER_PORT),
        label(HTTP_RESPONSE_STATUS_CODE),
        label(ERROR_TYPE),
    ),
    buckets=LATENCY_BUCKETS,
)

LIBRARIES: Final = (HTTP_CLIENT_DURATION,)
