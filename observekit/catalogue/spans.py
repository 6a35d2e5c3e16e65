"""The spans that observekit itself makes."""

from typing import Final

from observekit.catalogue.specs import SpanSpec, catalogue
from observekit.semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    MESSAGING_BATCH_COUNT,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
    NETWORK_PROTOCOL_NAME,
    NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
    WEBSOCKET_CLOSE_CODE,
)

HTTP_SERVER: Final = SpanSpec(
    name="{http.request.method} {http.route}",
    kind="SERVER",
    help="One HTTP request, from its arrival to the last byte of its response.",
    attributes=(
        HTTP_REQUEST_METHOD,
        HTTP_ROUTE,
        HTTP_RESPONSE_STATUS_CODE,
        URL_SCHEME,
        URL_PATH,
        SERVER_ADDRESS,
        SERVER_PORT,
        CLIENT_ADDRESS,
        NETWORK_PROTOCOL_VERSION,
        USER_AGENT_ORIGINAL,
        HTTP_REQUEST_METHOD_ORIGINAL,
        ERROR_TYPE,
    ),
)

WEBSOCKET_SERVER: Final = SpanSpec(
    name="WS {http.route}",
    kind="SERVER",
    help="One WebSocket connection, from its handshake to its end; messages have no spans.",
    attributes=(
        NETWORK_PROTOCOL_NAME,
        HTTP_ROUTE,
        HTTP_RESPONSE_STATUS_CODE,
        WEBSOCKET_CLOSE_CODE,
        URL_SCHEME,
        URL_PATH,
        SERVER_ADDRESS,
        SERVER_PORT,
        CLIENT_ADDRESS,
        NETWORK_PROTOCOL_VERSION,
        USER_AGENT_ORIGINAL,
        ERROR_TYPE,
    ),
)

OPERATION: Final = SpanSpec(
    name="{operation}",
    kind="INTERNAL",
    help="One run of an operation; its labels and fields are further attributes.",
    attributes=("operation", ERROR_TYPE),
)

MESSAGE_PROCESS: Final = SpanSpec(
    name="process {messaging.destination.name}",
    kind="CONSUMER",
    help="One message, a child of the span that sent it, or one batch, with links to those that sent it.",
    attributes=(
        MESSAGING_SYSTEM,
        MESSAGING_DESTINATION_NAME,
        MESSAGING_OPERATION_NAME,
        MESSAGING_OPERATION_TYPE,
        MESSAGING_MESSAGE_ID,
        MESSAGING_BATCH_COUNT,
        ERROR_TYPE,
    ),
)

MESSAGE_PUBLISH: Final = SpanSpec(
    name="send {messaging.destination.name}",
    kind="PRODUCER",
    help="One message on its way to a broker.",
    attributes=(
        MESSAGING_SYSTEM,
        MESSAGING_DESTINATION_NAME,
        MESSAGING_OPERATION_NAME,
        MESSAGING_OPERATION_TYPE,
        ERROR_TYPE,
    ),
)

SPANS: Final = catalogue((HTTP_SERVER, WEBSOCKET_SERVER, OPERATION, MESSAGE_PROCESS, MESSAGE_PUBLISH))
"""All spans by name."""
