"""The management endpoint: drain, take it back, say how far it is, and send what waits before a kill."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from observekit.asgi import ASGIApp, Receive, Response, Scope, Send, send_response
from observekit.guard import Guard

DRAIN_PATH: Final = "/drain"

_NO_STORE: Final = (b"cache-control", b"no-store")
_JSON: Final = b"application/json"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE"})
_FAILED: Final = Response(500, b"observekit failed, see its log\n", headers=(_NO_STORE,))
_FORBIDDEN: Final = Response(
    403, b"ask from this host or with the token, and not as a page of a browser\n", headers=(_NO_STORE,)
)
_NOT_ALLOWED: Final = Response(
    405, b"use GET, POST or DELETE\n", headers=((b"allow", b"GET, HEAD, POST, DELETE"), _NO_STORE)
)
# Source: Fetch standard: browsers send one of these with every request that another site's page makes.
_OF_BROWSERS: Final = frozenset({b"origin", b"sec-fetch-site"})

Words = Mapping[str, str]
"""What was asked for after the question mark, the last of each name."""


class Actions(NamedTuple):
    """What can be done; ``resume`` tells whether it was."""

    report: Callable[[], Awaitable[dict[str, Any]]]
    drain: Callable[[Words], Awaitable[None]]
    resume: Callable[[Words], Awaitable[bool]]
    flush: Callable[[Words], Awaitable[None]]


def management(actions: Actions, may: Callable[[Scope], bool], guard: Guard) -> dict[str, ASGIApp]:
    """Return the endpoint by its path; *may* says of a caller whether he may do anything.

    GET says how far a drain is, POST begins one, POST with ``flush`` sends what waits, DELETE takes it back.
    """

    async def answered(scope: Scope) -> Response:
        if is_browser(scope) or not may(scope):
            return _FORBIDDEN
        if scope["method"] not in _METHODS:
            return _NOT_ALLOWED
        done = await _done(actions, scope["method"], words_of(scope))
        report = json.dumps(await actions.report()).encode()
        return Response(200 if done else 409, report, _JSON, (_NO_STORE,))

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- the ASGI signature
        try:
            response = await answered(scope)
        except Exception as error:  # noqa: BLE001 -- whoever asks gets an answer, whatever is wrong with us
            guard.failed("ops", error)
            response = _FAILED
        await send_response(response, scope["method"], send)

    return {DRAIN_PATH: endpoint}


async def _done(actions: Actions, method: str, words: Words) -> bool:
    if method == "DELETE":
        return await actions.resume(words)
    if method == "POST":
        await (actions.flush if "flush" in words else actions.drain)(words)
    return True


def is_browser(scope: Scope) -> bool:
    """Whether a page in a browser on this host asks, whose author nobody here has invited."""
    return any(name in _OF_BROWSERS for name, _ in scope.get("headers", ()))


def words_of(scope: Scope) -> Words:
    """Return what *scope* asks for after its question mark."""
    query = scope.get("query_string", b"").decode("latin-1")
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
