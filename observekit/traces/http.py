"""OTLP over HTTP: one request at a time, over when its time is, whatever the other end does."""

import gzip
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from observekit.traces.connection import BadReplyError, Connection, OutOfTimeError
from observekit.traces.replies import Reply, judged
from observekit.traces.tls import Certificates
from observekit.traces.verdict import Verdict

_NO_ANSWER: Final = "no answer in time"
_TYPE: Final = "application/x-protobuf"
# Source: 6 is zlib's own choice; 9 takes three times as long for 2 % less.
_GZIP_LEVEL: Final = 6
# Who asks, as OTLP wants to know it; what a user sets of these would break the request.
_OURS: Final = frozenset({"host", "content-length", "content-type", "content-encoding", "connection"})


class Target(NamedTuple):
    """Where spans go over HTTP, and how.

    Attributes:
        url: Full URL.
        headers: Sent with each request.
        gzipped: Whether requests are compressed.
        certificates: What is trusted, and what is shown, where the URL says https.
    """

    url: str
    headers: Mapping[str, str]
    gzipped: bool
    certificates: Certificates


class HttpTransport:
    """Sends requests over a connection that is kept while it is good; for one thread.

    Neither proxies nor netrc files from the environment are looked at, and redirects are not followed: what
    is sent goes to the URL that was configured, or nowhere.
    """

    def __init__(self, target: Target, agent: str) -> None:
        self._target = target
        self._url = urlsplit(target.url)
        self._head = _head(self._url, target, agent)
        self._connection: Connection | None = None
        self._interrupted = False
        self._lock = Lock()

    def send(self, body: bytes, spans: int, deadline: float) -> Verdict:
        """Send a request for *spans* spans; what has not been answered by *deadline* did not arrive.

        Args:
            body: An ``ExportTraceServiceRequest``.
            spans: How many are in it.
            deadline: Reading of a monotonic clock.
        """
        content = gzip.compress(body, _GZIP_LEVEL) if self._target.gzipped else body
        try:
            reply = self._exchange(content, deadline)
        except OutOfTimeError:
            self._forget()
            return Verdict("again", _NO_ANSWER, answered=False)
        except BadReplyError as error:
            self._forget()
            return Verdict("no_collector", str(error))
        except (OSError, ValueError) as error:  # ValueError: of a host that no name server can be asked for.
            self._forget()
            if self._interrupted:
                return Verdict("again", _NO_ANSWER, answered=False)
            return Verdict("again", f"{type(error).__name__}: {error}"[:200], answered=False)
        return judged(reply, spans)

    def interrupt(self) -> None:
        """Have a request that is under way fail at once, and all later ones; for any thread."""
        with self._lock:
            self._interrupted = True
            connection = self._connection
        if connection is not None:
            connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._forget()

    def _exchange(self, content: bytes, deadline: float) -> Reply:
        connection = self._connected(deadline)
        connection.send(self._head + b"content-length: %d\r\n\r\n" % len(content) + content, deadline)
        reply, reusable = connection.receive(deadline)
        if not reusable:
            self._forget()
        return reply

    def _connected(self, deadline: float) -> Connection:
        """Return a connection that is open as far as anybody can tell."""
        known = self._connection
        if known is not None and known.is_quiet():
            return known
        self._forget()
        if deadline <= monotonic():
            raise OutOfTimeError
        context = self._target.certificates.context() if self._url.scheme == "https" else None
        connection = Connection(_address(self._url), context)
        with self._lock:
            if self._interrupted:
                raise OutOfTimeError
            self._connection = connection
        connection.open(deadline)
        return connection

    def _forget(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def _head(url: SplitResult, target: Target, agent: str) -> bytes:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = {
        "host": url.netloc.rpartition("@")[2],
        "user-agent": agent,
        "content-type": _TYPE,
        "accept": _TYPE,
        "accept-encoding": "identity",
    }
    if target.gzipped:
        lines["content-encoding"] = "gzip"
    lines |= {name.lower(): value for name, value in target.headers.items() if name.lower() not in _OURS}
    told = "".join(f"{_safe(name)}: {_safe(value)}\r\n" for name, value in lines.items())
    return f"POST {_safe(path)} HTTP/1.1\r\n{told}".encode("latin-1", "replace")


def _safe(word: str) -> str:
    """Return *word* without what would end its line."""
    return "".join(character for character in word if character.isprintable())
