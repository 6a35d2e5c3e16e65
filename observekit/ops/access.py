"""Who may read the metrics page."""

from hmac import compare_digest
from typing import Final

from observekit.asgi import Response, Scope
from observekit.health.endpoints import is_forwarded
from observekit.traces.trust import Trust

EVERYBODY: Final = ("always",)

_NO_STORE: Final = (b"cache-control", b"no-store")
_FORBIDDEN: Final = Response(403, b"forbidden\n", headers=(_NO_STORE,))
# Source: RFC 9110, 11.6.1: a 401 names the scheme that would do.
_UNAUTHORIZED: Final = Response(
    401, b"a bearer token is needed\n", headers=((b"www-authenticate", b"Bearer"), _NO_STORE)
)


class Access:
    """The rules of one port.

    Args:
        token: What a caller has to bring; ``None`` where that is nothing.
        allow: Peers that may come at all: ``always``, ``private``, ``never``, or networks. Whoever comes
            through a proxy counts as a stranger, because the address is the proxy's.
    """

    __slots__ = ("_everybody", "_token", "_trust")

    def __init__(self, token: str | None, allow: tuple[str, ...]) -> None:
        self._token = None if token is None else token.encode(errors="surrogateescape")
        self._everybody = allow == EVERYBODY
        self._trust = Trust(allow)

    def refusal(self, scope: Scope) -> Response | None:
        """Return what keeps the caller out, if anything does."""
        if not self._everybody and (is_forwarded(scope) or not self._trust.trusts(*_peer(scope))):
            return _FORBIDDEN
        return None if self._token is None or self.knows(scope) else _UNAUTHORIZED

    def knows(self, scope: Scope) -> bool:
        """Whether the caller brings the token; nobody does where there is none."""
        given = [value for name, value in scope.get("headers", ()) if name == b"authorization"]
        if self._token is None or len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        return scheme.lower() == b"bearer" and compare_digest(token.strip(), self._token)


def _peer(scope: Scope) -> tuple[str | None, bool]:
    """Return the address of the caller, and whether it came through a Unix socket."""
    client, server = scope.get("client"), scope.get("server")
    # Source: ASGI specification: the port of a server on a Unix socket is None.
    return client[0] if client else None, server is not None and server[1] is None
