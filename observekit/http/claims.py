"""Whose a connection is: what layers and others leave in its scope, and the span of who came first."""

from collections.abc import Mapping
from typing import Final

from observekit.asgi import Scope, Send
from observekit.guard import Guard
from observekit.http.contrib import Around
from observekit.http.span import ServerSpan, Tracing

MARK: Final = "observekit"
"""Key in the scope of a connection that is observed already, by a layer further out."""


class Tracer:
    """Begins the span of a connection unless somebody else has.

    Args:
        tracing: Makes the spans; none where traces are off.
        claims: Keys in the scope by which others say that they trace it, and what tells them not to.
        guard: Takes what samplers and processors raise, which are the user's.
    """

    __slots__ = ("_claims", "_guard", "_tracing", "around")

    def __init__(self, tracing: Tracing | None, claims: Mapping[str, object], guard: Guard) -> None:
        self._tracing = tracing
        self.around = Around() if tracing is None else tracing.around
        self._claims = claims
        self._guard = guard

    @property
    def traces(self) -> bool:
        """Whether any connection gets a span here."""
        return self._tracing is not None

    def begin(self, scope: Scope, method: str, send: Send) -> ServerSpan | None:
        """Begin the span; without one, the connection is counted and logged all the same."""
        try:
            if self._tracing is None or not self._claim(scope):
                return None
            return self._tracing.begin(scope, method, send)
        except Exception as error:  # noqa: BLE001 -- samplers and processors are the user's
            self._guard.failed("traces", error)
            return None

    def _claim(self, scope: Scope) -> bool:
        """Say to others that the connection is traced here; ``False`` where one has begun before us."""
        for key in self._claims:
            if key in scope:
                return False
        scope.update(self._claims)
        return True
