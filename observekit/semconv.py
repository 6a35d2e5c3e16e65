"""Names of the field: OpenTelemetry attributes, known HTTP methods, and how an attribute becomes a label."""

from typing import Final

HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_REQUEST_METHOD_ORIGINAL: Final = "http.request.method_original"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
HTTP_ROUTE: Final = "http.route"
URL_SCHEME: Final = "url.scheme"
URL_PATH: Final = "url.path"
NETWORK_PROTOCOL_NAME: Final = "network.protocol.name"
NETWORK_PROTOCOL_VERSION: Final = "network.protocol.version"
CLIENT_ADDRESS: Final = "client.address"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
USER_AGENT_ORIGINAL: Final = "user_agent.original"
ERROR_TYPE: Final = "error.type"

MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_BATCH_COUNT: Final = "messaging.batch.message_count"

WEBSOCKET_CLOSE_CODE: Final = "websocket.close_code"
"""Our own: OpenTelemetry has no conventions for WebSockets yet."""

SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
VCS_REF_HEAD_REVISION: Final = "vcs.ref.head.revision"

# Source: OpenTelemetry HTTP conventions 1.38, http.request.method: RFC 9110, PATCH (RFC 5789), QUERY.
KNOWN_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
OTHER_METHOD: Final = "_OTHER"
"""What every method outside KNOWN_METHODS is called, so that no client can invent a series."""

WEBSOCKET: Final = "WS"
"""What the span of a WebSocket connection has in place of a method, as FastAPI's own."""

UNMATCHED_ROUTE: Final = "_unmatched"
"""The route of every request that no route of the application took."""

OVERFLOW: Final = "_overflow"
"""The label value that stands for all values over a family's series limit."""

OTEL_SCOPE_NAME: Final = "otel_scope_name"
"""The label that says which meter of OpenTelemetry's made a metric."""

WORKER: Final = "worker"
"""The label that tells the worker processes of one service apart: small numbers, used again."""


def label(attribute: str) -> str:
    """Spell an OpenTelemetry attribute as a Prometheus label."""
    return attribute.replace(".", "_")
