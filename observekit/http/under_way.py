"""What is under way: the requests and connections that are open, and what a drain asks of them."""

from collections import Counter
from functools import partial
from typing import Final

from observekit.asgi import Message, Scope, Send
from observekit.http.exchange import Exchange
from observekit.http.messages import kind_of
from observekit.http.route import Routes
from observekit.http.websocket import Connection

_CLOSE: Final = (b"connection", b"close")
# Source: RFC 9113, 8.2.2: HTTP/2 has no such header, and a response that has it is malformed.
_WITH_CLOSE: Final = frozenset({"1.0", "1.1"})


class UnderWay:
    """The exchanges of all applications of a process, from their beginning to the application's return.

    Attributes:
        open: The scope of each, by the exchange itself.
        closing: Whether each response is to end its connection, so that no client comes back on it.
    """

    __slots__ = ("closing", "open")

    def __init__(self) -> None:
        self.open: dict[Exchange | Connection, Scope] = {}
        self.closing = False

    def close_connections(self) -> None:
        """Have the connections closed after the responses that are under way, and after those to come."""
        # In this order: a request that begins in between is in the dict, or sees that it is closing.
        self.closing = True
        for exchange, scope in list(self.open.items()):
            if isinstance(exchange, Exchange):
                exchange.send_through(partial(closing, scope))

    def keep_connections(self) -> None:
        """Leave connections to clients and server again."""
        self.closing = False

    def routes(self) -> dict[str, int]:
        """Return how many are open by method and route, the most frequent first."""
        routes = Routes()  # Of its own: this may be asked on any thread.
        names: Counter[str] = Counter()
        for scope in list(self.open.values()):
            try:
                names[f"{scope.get('method', 'WS')} {routes.of(scope)}"] += 1
            except Exception:  # noqa: BLE001 -- the router is in the middle of it
                names["(being routed)"] += 1
        return dict(names.most_common())


def closing(scope: Scope, send: Send) -> Send:
    """Return *send* with a response that ends its connection, where HTTP has that."""
    if scope.get("http_version") not in _WITH_CLOSE:
        return send

    async def sending(message: Message) -> None:
        await send(_with_close(message) if kind_of(message) == "http.response.start" else message)

    return sending


def _with_close(message: Message) -> Message:
    """Return *message* with the header, unless it says something of its connection or is of an odd shape."""
    try:
        headers = list(message.get("headers") or ())
        said = any(bytes(name).lower() == _CLOSE[0] for name, _ in headers)
    except (TypeError, ValueError):  # What is wrong with it is between the application and its server.
        return message
    return message if said else {**message, "headers": [*headers, _CLOSE]}
