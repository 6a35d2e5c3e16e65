"""One connection of HTTP/1.1, as a client; each step has what is left of the time of the whole."""

import encodings.idna  # noqa: F401 -- else the first connection imports it, and a fork meanwhile locks the child
import socket
import ssl
from contextlib import suppress
from select import POLLERR, POLLHUP, POLLIN, POLLNVAL, poll
from time import monotonic
from typing import Final

from observekit.traces.replies import Reply

_PIECE: Final = 64 * 1024
# Longer heads have no header that matters here.
_HEAD_BYTES: Final = 64 * 1024
# A collector says in a hundred bytes what it did not like; a page to log in has more.
_BODY_BYTES: Final = 64 * 1024
_INFORMATIONAL: Final = range(100, 200)
_BODILESS: Final = frozenset({204, 304})
_HEAD_END: Final = b"\r\n\r\n"
_LINE_END: Final = b"\r\n"
_LONGEST_LINE: Final = 256
_LONGEST_NUMBER: Final = 19
_STATUS_WORDS: Final = 2


class OutOfTimeError(Exception):
    """There was no answer in time."""


class BadReplyError(Exception):
    """What came is no answer of HTTP/1.1."""


class Connection:
    """A connection to *address*, secured by *context* where there is one."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None) -> None:
        self._address = address
        self._context = context
        self._socket: socket.socket | None = None
        self._interrupted = False
        self._read = b""

    def open(self, deadline: float) -> None:
        """Connect to the first of the host's addresses that answers.

        Raises:
            OutOfTimeError: If that takes longer than *deadline*.
            OSError: If none does.
        """
        host, port = self._address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure: Exception = OSError(f"{host} has no address")
        for index, (family, kind, protocol, _, where) in enumerate(found):
            try:
                # None may use up the time of those after it.
                share = monotonic() + _left(deadline) / (len(found) - index)
                self._connect(socket.socket(family, kind, protocol), where, share)
            except (OSError, OutOfTimeError) as error:
                failure = error
            else:
                return
        raise failure

    def _connect(self, fresh: socket.socket, where: object, deadline: float) -> None:
        self._socket = fresh
        try:
            fresh.settimeout(_left(deadline) if not self._interrupted else 0.0)
            fresh.connect(where)  # type: ignore[arg-type]  # as getaddrinfo gave it
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                self._socket = fresh = self._secured(fresh, self._context, deadline)
        except TimeoutError as error:
            fresh.close()
            raise OutOfTimeError from error
        except BaseException:
            fresh.close()
            raise

    def _secured(self, plain: socket.socket, context: ssl.SSLContext, deadline: float) -> ssl.SSLSocket:
        secured = context.wrap_socket(plain, server_hostname=self._address[0], do_handshake_on_connect=False)
        self._socket = secured
        try:
            secured.settimeout(_left(deadline))
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def is_quiet(self) -> bool:
        """Whether the connection is open and has nothing to say, as is right between requests."""
        if self._socket is None or self._read or self._interrupted:
            return False
        watch = poll()
        watch.register(self._socket, POLLIN | POLLERR | POLLHUP | POLLNVAL)
        return not watch.poll(0)

    def send(self, message: bytes, deadline: float) -> None:
        """Send *message*.

        Raises:
            OutOfTimeError: If it has not gone out by *deadline*.
            OSError: If nobody takes it.
        """
        rest = memoryview(message)
        while rest:
            opened = self._opened(deadline)
            try:
                rest = rest[opened.send(rest[:_PIECE]) :]
            except TimeoutError as error:
                raise OutOfTimeError from error

    def receive(self, deadline: float) -> tuple[Reply, bool]:
        """Return the answer, and whether the connection is good for another request.

        Raises:
            OutOfTimeError: If it is not there by *deadline*, however much of it is.
            BadReplyError: If it is none.
            OSError: If the connection ends before it does.
        """
        while True:
            status, headers = self._head(deadline)
            if status not in _INFORMATIONAL:
                break
        body, whole, reusable = self._body(status, headers, deadline)
        reusable = reusable and whole and headers.get("connection", "").lower() != "close"
        return Reply(status, headers, body, whole), reusable

    def interrupt(self) -> None:
        """Have whatever is under way fail at once; for any thread."""
        self._interrupted = True
        opened = self._socket
        if opened is not None:
            with suppress(OSError):
                # Not that of an SSLSocket, which forgets on the way that it is secured.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _opened(self, deadline: float) -> socket.socket:
        opened = self._socket
        if opened is None or self._interrupted:
            raise OutOfTimeError
        opened.settimeout(_left(deadline))
        return opened

    def _more(self, deadline: float) -> bytes:
        try:
            return self._opened(deadline).recv(_PIECE)
        except TimeoutError as error:
            raise OutOfTimeError from error

    def _until(self, end: bytes, most: int, deadline: float) -> bytes:
        """Return what comes before *end*, and take both away."""
        while end not in self._read:
            if len(self._read) > most:
                raise BadReplyError("an answer with a longer head than any collector's")
            more = self._more(deadline)
            if not more:
                raise ConnectionResetError("the connection ended before the answer")
            self._read += more
        found, _, self._read = self._read.partition(end)
        return found

    def _head(self, deadline: float) -> tuple[int, dict[str, str]]:
        first, *lines = self._until(_HEAD_END, _HEAD_BYTES, deadline).split(_LINE_END)
        words = first.split(None, _STATUS_WORDS)
        if len(words) < _STATUS_WORDS or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise BadReplyError("an answer that is none of HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(b":")
            headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        return int(words[1]), headers

    def _body(self, status: int, headers: dict[str, str], deadline: float) -> tuple[bytes, bool, bool]:
        """Return as much of the body as there may be, whether that is all, and whether its end was marked."""
        if status in _BODILESS:
            return b"", True, True
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return (*self._chunks(deadline), True)
        told = headers.get("content-length")
        if told is None:
            return (*self._rest(deadline), False)
        if not (told.isascii() and told.isdigit() and len(told) < _LONGEST_NUMBER):
            raise BadReplyError("an answer whose length is no number")
        return (*self._exactly(int(told), deadline), True)

    def _exactly(self, length: int, deadline: float) -> tuple[bytes, bool]:
        wanted = min(length, _BODY_BYTES)
        while len(self._read) < wanted:
            more = self._more(deadline)
            if not more:
                raise ConnectionResetError("the connection ended within the answer")
            self._read += more
        found, self._read = self._read[:wanted], self._read[wanted:]
        return found, wanted == length

    def _rest(self, deadline: float) -> tuple[bytes, bool]:
        while len(self._read) <= _BODY_BYTES:
            more = self._more(deadline)
            if not more:
                found, self._read = self._read, b""
                return found, True
            self._read += more
        return self._read[:_BODY_BYTES], False

    def _chunks(self, deadline: float) -> tuple[bytes, bool]:
        found = b""
        while True:
            size = self._until(_LINE_END, _LONGEST_LINE, deadline).partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError as error:
                raise BadReplyError("an answer in pieces without a length") from error
            if length < 0 or len(found) + length > _BODY_BYTES:
                return found, False
            if not length:
                break
            found += self._exactly(length, deadline)[0]
            self._until(_LINE_END, _LONGEST_LINE, deadline)
        while self._until(_LINE_END, _HEAD_BYTES, deadline):
            """Trailers say nothing that matters here."""
        return found, True


def _left(deadline: float) -> float:
    """Return the seconds until *deadline*.

    Raises:
        OutOfTimeError: If there are none.
    """
    left = deadline - monotonic()
    if left <= 0:
        raise OutOfTimeError
    return left
