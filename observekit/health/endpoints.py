"""What the probes answer: a word for everybody, names for callers on the same host."""

from collections.abc import Awaitable, Callable
from typing import Final

from observekit.asgi import Response, Scope
from observekit.health.check import Check, Result
from observekit.health.engine import Answer, Engine
from observekit.health.lifecycle import Lifecycle

Ask = Callable[[Scope], Awaitable[Response]]

_NO_STORE: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_LOOPBACK: Final = ("127.", "::1", "::ffff:127.")


class Probes:
    """The three health endpoints."""

    __slots__ = ("_engine", "_lifecycle", "_started")

    def __init__(self, lifecycle: Lifecycle, engine: Engine) -> None:
        self._lifecycle = lifecycle
        self._engine = engine
        self._started = False

    async def liveness(self, scope: Scope) -> Response:
        """Answer whether this process should go on; what it depends on is not asked."""
        answer = await self._engine.ask("liveness")
        broken = self._lifecycle.state == "broken"
        return _response("broken" if broken else None, answer, scope)

    async def readiness(self, scope: Scope) -> Response:
        """Answer whether this instance should get traffic; only a ready process asks its checks."""
        state = self._lifecycle.state
        if state != "ready":
            return _response(state, Answer(passed=False, results=()), scope)
        return _response(None, await self._engine.ask("readiness"), scope)

    async def startup(self, scope: Scope) -> Response:
        """Answer whether starting is over; once yes, always yes."""
        state = self._lifecycle.state
        if state in {"starting", "broken"}:
            return _response(state, Answer(passed=False, results=()), scope)
        if self._started:
            return _response(None, Answer(passed=True, results=()), scope)
        answer = await self._engine.ask("startup")
        self._started = answer.passed
        return _response(None, answer, scope)


def _response(state: str | None, answer: Answer, scope: Scope) -> Response:
    healthy = state is None and answer.passed
    word = "ok" if healthy else state or "failed"
    text = f"{word}\n"
    if _asks_for_names(scope):
        text = "".join(_line(check, result) for check, result in answer.results) + text
    return Response(status=200 if healthy else 503, body=text.encode(), headers=_NO_STORE)


def _asks_for_names(scope: Scope) -> bool:
    """Whether the caller asks for names and may have them: he does from the host itself only."""
    words = scope.get("query_string", b"").split(b"&")
    if not any(word.partition(b"=")[0] == b"verbose" for word in words):
        return False
    client = scope.get("client")
    return client is None or str(client[0]).startswith(_LOOPBACK)


def _line(check: Check, result: Result) -> str:
    sign = "+" if result.status == "ok" else "-"
    return f"[{sign}] {check.name} {result.status} ({check.criticality}, {result.seconds * 1000:.0f} ms)\n"
