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

SPANS: Final = catalogue((HTTP_SERVER, WEBSOCKET_SERVER))
"""All spans by name."""
