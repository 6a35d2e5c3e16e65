"""What the SERVER span of a request says, by the stable semantic conventions."""

from typing import Any, Final, NamedTuple

from opentelemetry.util.types import AttributeValue

from observekit.asgi import Scope
from observekit.http.signals import address
from observekit.semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    NETWORK_PROTOCOL_NAME,
    NETWORK_PROTOCOL_VERSION,
    OTHER_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    UNMATCHED_ROUTE,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
    WEBSOCKET,
)

_USER_AGENT: Final = b"user-agent"


class Ending(NamedTuple):
    """What is known of a request or a connection when it has ended.

    Attributes:
        failed: Whether that is an error of the server.
        ended_ns: When, in nanoseconds since 1970.
    """

    method: str
    route: str
    status: int | None
    error_type: str | None
    failed: bool
    ended_ns: int

    @property
    def name(self) -> str:
        """The name of the span."""
        name = name_of(self.method)
        return name if self.route == UNMATCHED_ROUTE else f"{name} {self.route}"


def name_of(method: str) -> str:
    """Return what the name of a span begins with."""
    # Source: OpenTelemetry HTTP spans: the name of a request with an unknown method begins with HTTP.
    return "HTTP" if method == OTHER_METHOD else method


def first_attributes(scope: Scope, path: str, method: str, length: int) -> dict[str, AttributeValue]:
    """Return what is known when the request arrives; texts of at most *length* characters.

    *path* is what it arrived with: some frameworks cut off of that of the scope what they have matched.
    """
    texts = _protocol(scope, method) | {URL_PATH: path}
    agent, client = raw_user_agent(scope), address(scope.get("client"))
    if agent:
        texts[USER_AGENT_ORIGINAL] = agent.decode("latin-1")
    if client:
        texts[CLIENT_ADDRESS] = client
    return {name: shown(value, length) for name, value in texts.items()} | _server(scope, length)


def last_attributes(ending: Ending, length: int) -> dict[str, AttributeValue]:
    """Return what is known when the response has ended."""
    attributes: dict[str, AttributeValue] = {}
    if ending.route != UNMATCHED_ROUTE:
        attributes[HTTP_ROUTE] = ending.route[:length]
    if ending.status is not None:
        attributes[HTTP_RESPONSE_STATUS_CODE] = ending.status
    if ending.error_type is not None:
        attributes[ERROR_TYPE] = ending.error_type
    return attributes


def constant_attributes(scope: Scope, ending: Ending, length: int) -> dict[str, AttributeValue]:
    """Return what is the same for all requests of a kind, which are those that end alike."""
    texts = {name: shown(value, length) for name, value in _protocol(scope, ending.method).items()}
    return texts | _server(scope, length) | last_attributes(ending, length)


def raw_user_agent(scope: Scope) -> bytes | None:
    """Return the first ``user-agent`` header; looked for in requests that are sampled only."""
    for name, value in scope.get("headers", ()):
        if name == _USER_AGENT:
            agent: bytes = value
            return agent
    return None


def _server(scope: Scope, length: int) -> dict[str, AttributeValue]:
    server: Any = scope.get("server")
    if not server:
        return {}
    # The address the server listens on: what the Host header says is the client's choice.
    host: dict[str, AttributeValue] = {SERVER_ADDRESS: shown(server[0], length)}
    if server[1] is not None:
        host[SERVER_PORT] = server[1]
    return host


def _protocol(scope: Scope, method: str) -> dict[str, str]:
    version = {NETWORK_PROTOCOL_VERSION: scope.get("http_version", "1.1")}
    if method == WEBSOCKET:
        # Without a method: whoever makes HTTP latencies of spans shall not see connections of hours.
        return {NETWORK_PROTOCOL_NAME: "websocket", URL_SCHEME: scope.get("scheme", "ws")} | version
    known = {HTTP_REQUEST_METHOD: method, URL_SCHEME: scope.get("scheme", "http")} | version
    return known | {HTTP_REQUEST_METHOD_ORIGINAL: scope["method"]} if method == OTHER_METHOD else known


def shown(value: str, length: int) -> str:
    """Return *value* as it can be exported: not too long, and encodable."""
    value = value[:length]
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
