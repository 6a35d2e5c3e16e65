"""What the probes answer: a word for everybody, names for callers on the same host or with the token."""

from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final

from observekit.asgi import Response, Scope
from observekit.health.check import Check, Probe, Result
from observekit.health.engine import Answer, Engine
from observekit.health.lifecycle import Lifecycle

Ask = Callable[[Scope], Awaitable[Response]]
Known = Callable[[Scope], bool]

_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
# Another instance answers a second later.
_RETRY: Final = (b"retry-after", b"1")
# A proxy on this host speaks for strangers, and says so.
_FORWARDED: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})
_NOBODY: Final = Answer(())


class Probes:
    """The three health endpoints; *known* says of a caller elsewhere whether he may see names."""

    __slots__ = ("_engine", "_known", "_lifecycle", "_started_in")

    def __init__(self, lifecycle: Lifecycle, engine: Engine, known: Known) -> None:
        self._lifecycle = lifecycle
        self._engine = engine
        self._known = known
        self._started_in = -1

    async def liveness(self, scope: Scope) -> Response:
        """Answer whether this process should go on; what it depends on is not asked."""
        answer = await self._engine.ask("liveness")
        if self._lifecycle.state == "broken":
            return self._response("broken", answer, scope)
        return self._response("ok" if answer.passed("liveness") else "failed", answer, scope)

    async def readiness(self, scope: Scope) -> Response:
        """Answer whether this instance should get traffic; only a ready process asks its checks.

        Until the start-up checks have passed it is not ready, and both kinds are asked at once.
        """
        state = self._lifecycle.state
        if state != "ready":
            return self._response(state, _NOBODY, scope)
        starting = self._started_in != self._lifecycle.life
        probes: tuple[Probe, ...] = ("startup", "readiness") if starting else ("readiness",)
        answer = await self._engine.ask(*probes)
        state = self._lifecycle.state
        if state != "ready":  # A drain began while the checks ran.
            return self._response(state, answer, scope)
        if starting and not self._note_start(answer):
            return self._response("starting", answer, scope)
        return self._response("ok" if answer.passed("readiness") else "failed", answer, scope)

    async def startup(self, scope: Scope) -> Response:
        """Answer whether starting is over; once yes, always yes in this life."""
        state = self._lifecycle.state
        if state in {"starting", "broken"}:
            return self._response(state, _NOBODY, scope)
        if self._started_in == self._lifecycle.life:
            return self._response("ok", _NOBODY, scope)
        answer = await self._engine.ask("startup")
        return self._response("ok" if self._note_start(answer) else "failed", answer, scope)

    def _response(self, word: str, answer: Answer, scope: Scope) -> Response:
        text = f"{word}\n"
        if _asks_for_names(scope) and (_is_local(scope) or self._known(scope)):
            text = "".join(_line(check, result) for check, result in answer.results) + text
        headers = (*_HEADERS, _RETRY) if word == "draining" else _HEADERS
        return Response(status=200 if word == "ok" else 503, body=text.encode(), headers=headers)

    def _note_start(self, answer: Answer) -> bool:
        if passed := answer.passed("startup"):
            self._started_in = self._lifecycle.life
        return passed


def _asks_for_names(scope: Scope) -> bool:
    words: Iterable[bytes] = scope.get("query_string", b"").split(b"&")
    return any(word.partition(b"=")[0] == b"verbose" for word in words)


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy says that it speaks for somebody else."""
    return any(name in _FORWARDED for name, _ in scope.get("headers", ()))


def _is_local(scope: Scope) -> bool:
    """Whether the caller is on this host; nobody can tell who is behind a socket without an address."""
    client = scope.get("client")
    if not client or is_forwarded(scope):
        return False
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _line(check: Check, result: Result) -> str:
    sign = "+" if result.status == "ok" else "-"
    return f"[{sign}] {check.name} {result.status} ({check.criticality}, {result.seconds * 1000:.0f} ms)\n"
