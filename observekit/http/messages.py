"""What is read of an ASGI message; one of any shape is passed on, and says nothing."""

from collections.abc import MutableMapping

from observekit.asgi import Message


def kind_of(message: object) -> str | None:
    """Return the type of a message, ``None`` where it has none."""
    # The usual message, of which there are two for each request, takes the short way.
    if type(message) is dict and type(kind := message.get("type")) is str:
        return kind
    kind = message.get("type") if isinstance(message, MutableMapping) else None
    return kind if isinstance(kind, str) else None


def size_of(message: Message) -> int:
    """Return how many bytes of a body a message carries."""
    body = message.get("body")
    if type(body) is bytes:
        return len(body)
    return len(body) if isinstance(body, bytes | bytearray | memoryview) else 0
