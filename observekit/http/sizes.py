"""Sizes of bodies, for those who ask for them: without, nothing of this is in the way of a request."""

from dataclasses import dataclass

from observekit.asgi import Receive, Send
from observekit.http.body import RequestBody
from observekit.http.exchange import Exchange
from observekit.metrics.cells import HistogramCell
from observekit.metrics.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeMetrics:
    """The families of sizes; a size that nobody here knows is left out, not guessed."""

    request: Family[HistogramCell]
    response: Family[HistogramCell]

    def record(self, exchange: Exchange, method: str, route: str, status: str) -> None:
        """File the sizes of a closed exchange."""
        body = exchange.request_body
        if body is not None and body.complete:
            self.request.cell(method, route, status).observe(body.bytes)
        # Without a start from the application, the body is the server's own.
        sent = None if exchange.first_byte is None else exchange.response_bytes(method)
        if sent is not None:
            self.response.cell(method, route, status).observe(sent)


def sized_exchange(receive: Receive, send: Send) -> Exchange:
    """Return an exchange that knows the size of the request's body."""
    body = RequestBody(receive)
    return Exchange(body.receive, send, body)
