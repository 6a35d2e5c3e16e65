"""The body of a request as the application reads it, byte by byte."""

from observekit.asgi import Message, Receive
from observekit.http.messages import kind_of, size_of


class RequestBody:
    """Counts what is received; what a client says of the length in a header is not believed.

    ``complete`` says that the application has read to the end: what it left unread has no known size.
    """

    __slots__ = ("_receive", "bytes", "complete")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.bytes = 0
        self.complete = False

    async def receive(self) -> Message:
        """Pass on a message from the server."""
        message = await self._receive()
        if kind_of(message) == "http.request":
            self.bytes += size_of(message)
            self.complete = self.complete or not message.get("more_body", False)
        return message
