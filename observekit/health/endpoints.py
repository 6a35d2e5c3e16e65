"""The health endpoints: who asks, what he wants left out, and in which form he gets the answer."""

from collections.abc import Callable, Coroutine, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import unquote_plus

from observekit.asgi import Response, Scope
from observekit.health.check import Check
from observekit.health.siblings import Lives, Siblings
from observekit.health.state import Health, Verdict
from observekit.health.view import JSON_TYPE, as_json, as_text

Ask = Callable[[Scope], Coroutine[Any, Any, Response]]
Known = Callable[[Scope], bool]

# A proxy on this host speaks for strangers, and says so.
_FORWARDED: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})
_NOT_FOUND: Final = Response(404, b"not found\n", headers=((b"cache-control", b"no-store"),))
# A weight of zero says that the caller does not take it.
_UNWANTED: Final = frozenset({b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"})
# How many names may be left out; a process has fewer checks.
_MOST_NAMES: Final = 64


class Probes:
    """The three health endpoints of one port.

    Args:
        health: What answers, for all ports.
        known: Says of a caller whether he may see names and details; others get a word.
        version: The version of the service, for the structured form.
        siblings: The other workers, where readiness is that of all of them.
        lives: The same for liveness.
        is_apart: Whether the process only starts those that serve, and is not to be counted by them.
    """

    __slots__ = ("_health", "_is_apart", "_known", "_lives", "_siblings", "_version")

    def __init__(
        self,
        health: Health,
        known: Known,
        version: str | None = None,
        siblings: Siblings | None = None,
        lives: Lives | None = None,
        is_apart: Callable[[], bool] = lambda: False,
    ) -> None:
        self._health = health
        self._known = known
        self._version = version
        self._siblings = siblings
        self._lives = lives
        self._is_apart = is_apart

    async def liveness(self, scope: Scope) -> Response:
        """Answer whether this process should go on."""
        verdict = await self._health.liveness(_left_out(scope))
        return self._written(verdict if self._lives is None else self._lives.verdict(verdict), scope)

    async def readiness(self, scope: Scope) -> Response:
        """Answer whether this instance should get traffic."""
        if self._is_apart():
            return _NOT_FOUND
        verdict = await self._health.readiness(_left_out(scope))
        return self._written(verdict if self._siblings is None else self._siblings.verdict(verdict), scope)

    async def startup(self, scope: Scope) -> Response:
        """Answer whether starting is over."""
        if self._is_apart():
            return _NOT_FOUND
        return self._written(await self._health.startup(_left_out(scope)), scope)

    def alone(self, check: Check) -> Ask:
        """Return what answers for one check: nobody learns of it who may not see its name."""

        async def ask(scope: Scope) -> Response:
            if not self._known(scope):
                return _NOT_FOUND
            return self._written(await self._health.alone(check), scope)

        return ask

    def _written(self, verdict: Verdict, scope: Scope) -> Response:
        if _wants_json(scope):
            return as_json(verdict, self._version, verbose=self._known(scope))
        return as_text(verdict, verbose=_asks_for_names(scope) and self._known(scope))


def known_beside_application(has_token: Known) -> Known:
    """Return who is known on the application's port: callers on this host, and those with the token."""
    return lambda scope: is_local(scope) or has_token(scope)


def known_on_ops_port(has_token: Known) -> Known:
    """Return who is known on the ops port: everybody who can reach it, but for those behind a proxy."""
    return lambda scope: not is_forwarded(scope) or has_token(scope)


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy says that it speaks for somebody else."""
    return any(name in _FORWARDED for name, _ in scope.get("headers", ()))


def is_local(scope: Scope) -> bool:
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


def _words(scope: Scope) -> Iterator[tuple[str, str]]:
    """Yield names and values of the query, as long as there are not too many."""
    query: bytes = scope.get("query_string", b"")
    for word in query.split(b"&", _MOST_NAMES)[:_MOST_NAMES]:
        name, _, value = word.decode("latin-1").partition("=")
        yield name, unquote_plus(value, errors="replace")


def _asks_for_names(scope: Scope) -> bool:
    return any(name == "verbose" for name, _ in _words(scope))


def _left_out(scope: Scope) -> frozenset[str]:
    """Return the names that are to be left out: ``exclude=a&exclude=b``, or ``exclude=a,b``."""
    named = (value.split(",") for name, value in _words(scope) if name == "exclude")
    return frozenset(name for names in named for name in names if name)


def _wants_json(scope: Scope) -> bool:
    """Whether the caller names the structured form as one that he takes."""
    for name, value in scope.get("headers", ()):
        if name == b"accept":
            for kind in value.lower().split(b","):
                media, _, weight = kind.partition(b";")
                if media.strip() == JSON_TYPE:
                    return weight.replace(b" ", b"") not in _UNWANTED
    return False
