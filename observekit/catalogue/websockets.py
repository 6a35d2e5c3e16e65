"""Metric families of WebSocket connections, and the codes they can be closed with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from observekit.catalogue.events import Outcome
from observekit.catalogue.specs import MetricSpec
from observekit.semconv import HTTP_ROUTE, label

# Source: a refused or failed handshake takes milliseconds, a page is open for minutes, a device for days.
CONNECTION_BUCKETS: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 14400.0, 86400.0)

CODE_OUTCOMES: Final[Mapping[int, Outcome]] = MappingProxyType(
    # Source: IANA, WebSocket Close Code Number Registry, without 1004, which is reserved without a meaning.
    {
        1000: "ok",
        1001: "ok",
        1002: "client_error",
        1003: "client_error",
        1005: "ok",
        1006: "aborted",
        1007: "client_error",
        1008: "client_error",
        1009: "client_error",
        1010: "client_error",
        1011: "server_error",
        1012: "ok",
        1013: "server_error",
        1014: "server_error",
        1015: "aborted",
        3000: "client_error",
        3003: "client_error",
        3008: "client_error",
    }
)
"""What a connection has come to that was closed with a registered code."""

OTHER_CODE: Final = "_OTHER"
"""What codes without a common meaning are called: of those above 4000, clients choose any."""

DENIED: Final = "_denied"
"""In place of a code, where the handshake was refused or failed, so that there was no connection to close."""

ACTIVE_CONNECTIONS: Final = MetricSpec(
    name="websocket_server_active_connections",
    kind="gauge",
    help="WebSocket connections that were accepted and are not closed yet.",
    labels=(label(HTTP_ROUTE),),
)
CONNECTION_DURATION: Final = MetricSpec(
    name="websocket_server_connection_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time from a WebSocket handshake to the end of its connection, by the close code; _denied where the "
    "handshake was refused, 1006 where the connection ended without a code.",
    labels=(label(HTTP_ROUTE), "code"),
    buckets=CONNECTION_BUCKETS,
    values={"code": (*map(str, CODE_OUTCOMES), OTHER_CODE, DENIED)},
)
MESSAGES: Final = MetricSpec(
    name="websocket_server_messages_total",
    kind="counter",
    help="WebSocket messages, counted while the connection is open.",
    labels=(label(HTTP_ROUTE), "direction"),
    values={"direction": ("received", "sent")},
)
