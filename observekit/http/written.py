"""The SERVER span of a request as bytes for the collector, without anything else being made of it.

A request says little that others of its kind have not said: method, route, status and where the server
listens are written once. What is left are ids, times, path, user agent and client.
"""

from functools import lru_cache
from typing import Any, Final, Protocol

from opentelemetry.trace import SpanKind, Status, StatusCode

from observekit.asgi import Scope
from observekit.http.attributes import Ending, constant_attributes, raw_user_agent
from observekit.http.signals import address
from observekit.redaction import is_plain_word
from observekit.semconv import CLIENT_ADDRESS, OTHER_METHOD, URL_PATH, USER_AGENT_ORIGINAL
from observekit.traces.encoding import LOCAL_PARENT, REMOTE_PARENT, SPAN_ATTRIBUTE, ids, status_bytes, times
from observekit.traces.hiding import hidden
from observekit.traces.late import LateSpan
from observekit.traces.processors import Processors
from observekit.traces.protobuf import framed, varint
from observekit.traces.spans import Home
from observekit.traces.values import attribute, text

# More kinds of requests than a service has; those past them are written each time.
_KINDS: Final = 4096
# What is longer is no client's address, and hardly anybody's user agent: not worth being kept.
_KEPT_TEXT: Final = 256
_KIND: Final = b"\x30" + varint(SpanKind.SERVER.value + 1)


class Taker(Protocol):
    """What takes spans that are bytes already."""

    def take(self, home: Home, span: bytes) -> None:
        """Queue a sampled span that has ended."""


class _Kind:
    """What spans of one kind of request have in common."""

    __slots__ = ("head", "tail_local", "tail_remote")

    def __init__(self, name: str, known: dict[str, Any], failed: bool) -> None:  # noqa: FBT001 -- of one caller
        status = status_bytes(Status(StatusCode.ERROR) if failed else Status(), None)
        found = b"".join(attribute(SPAN_ATTRIBUTE, key, hidden(key, value)) for key, value in known.items())
        self.head = framed(b"\x2a", text(name)) + _KIND
        self.tail_local = found + status + LOCAL_PARENT
        self.tail_remote = found + status + REMOTE_PARENT


class WrittenSpans:
    """Writes spans that nobody has touched.

    Args:
        taker: Where they go.
        processors: Those of the provider; with any other among them, spans are for all to see.
        length: Characters a text may have.
    """

    __slots__ = ("_kinds", "_length", "_processors", "_taker")

    def __init__(self, taker: Taker, processors: Processors, length: int) -> None:
        self._taker = taker
        self._processors = processors
        self._length = length
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def write(self, span: object, scope: Scope, path: str, ending: Ending) -> bool:
        """End *span* and hand it on as bytes; say whether that was possible."""
        if type(span) is not LateSpan or not span.untouched or not self._processors.is_alone(self._taker):
            return False
        kind = self._kind(scope, ending)
        if kind is None:
            return False
        context, parent = span.context, span.parent
        if not span.end_unseen(ending.ended_ns):
            return True
        if context.trace_flags & 1:
            remote = parent is not None and parent.is_remote
            pieces = (
                ids(context, parent),
                kind.head,
                times(span.begun_ns, ending.ended_ns),
                self._own(scope, path),
                kind.tail_remote if remote else kind.tail_local,
            )
            self._taker.take(span.home, b"".join(pieces))
        return True

    def _kind(self, scope: Scope, ending: Ending) -> _Kind | None:
        server = scope.get("server")
        if server is not None and type(server) is not tuple:
            return None
        version = scope.get("http_version")
        key = (ending.method, ending.route, ending.status, ending.error_type, ending.failed)
        kind = self._kinds.get((key, scope.get("scheme"), version, server))
        if kind is None and ending.method != OTHER_METHOD and len(self._kinds) < _KINDS:
            known = constant_attributes(scope, ending, self._length)
            kind = _Kind(ending.name, known, ending.failed)
            self._kinds[key, scope.get("scheme"), version, server] = kind
        return kind

    def _own(self, scope: Scope, path: str) -> bytes:
        """Return what nobody else's span says: path, user agent and client."""
        client, path = address(scope.get("client")), path[: self._length]
        # Most paths need no more than one look.
        shown = path if is_plain_word(path) else hidden(URL_PATH, path)
        found = attribute(SPAN_ATTRIBUTE, URL_PATH, shown)
        agent = raw_user_agent(scope)
        if agent is not None:
            found += (_agent if len(agent) <= _KEPT_TEXT else _agent.__wrapped__)(agent[: self._length])
        if client:
            found += (_client if len(client) <= _KEPT_TEXT else _client.__wrapped__)(client[: self._length])
        return found


def _written(key: str, value: str) -> bytes:
    return attribute(SPAN_ATTRIBUTE, key, hidden(key, value))


@lru_cache(maxsize=1024)
def _agent(raw: bytes) -> bytes:
    return _written(USER_AGENT_ORIGINAL, raw.decode("latin-1"))


@lru_cache(maxsize=1024)
def _client(address: str) -> bytes:
    return _written(CLIENT_ADDRESS, address)
