"""The levels of loggers over HTTP: what is changed now, change one for a time, take it back."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from observekit.asgi import ASGIApp, Receive, Response, Scope, Send, send_response
from observekit.guard import Guard
from observekit.ops.management import Words, is_browser, words_of

LEVELS_PATH: Final = "/levels"
HEADER: Final = b"x-observekit"
"""Whoever changes something sends it: no form of a page can, and no script of another site without asking."""

_NO_STORE: Final = (b"cache-control", b"no-store")
_JSON: Final = b"application/json"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE"})
_FAILED: Final = Response(500, b"observekit failed, see its log\n", headers=(_NO_STORE,))
_FORBIDDEN: Final = Response(
    403,
    b"ask from this host or with the token, with the header x-observekit, and not as a page of a browser\n",
    headers=(_NO_STORE,),
)
_NOT_ALLOWED: Final = Response(
    405, b"use GET, POST or DELETE\n", headers=((b"allow", b"GET, HEAD, POST, DELETE"), _NO_STORE)
)


class Actions(NamedTuple):
    """What can be done; ``change`` raises ValueError for what makes no sense, ``undo`` tells if it was."""

    report: Callable[[], dict[str, Any]]
    change: Callable[[Words], Awaitable[None]]
    undo: Callable[[Words], Awaitable[bool]]


def levels(actions: Actions, may: Callable[[Scope], bool], guard: Guard) -> dict[str, ASGIApp]:
    """Return the endpoint by its path; *may* says of a caller whether he may do anything."""

    async def answered(scope: Scope) -> Response:
        if is_browser(scope) or not may(scope) or not _is_meant(scope):
            return _FORBIDDEN
        if scope["method"] not in _METHODS:
            return _NOT_ALLOWED
        try:
            done = await _done(actions, scope["method"], words_of(scope))
        except ValueError as error:  # What it says is ours: nothing that was sent is shown again.
            return Response(400, json.dumps({"problem": str(error)}).encode(), _JSON, (_NO_STORE,))
        return Response(200 if done else 409, json.dumps(actions.report()).encode(), _JSON, (_NO_STORE,))

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- the ASGI signature
        try:
            response = await answered(scope)
        except Exception as error:  # noqa: BLE001 -- whoever asks gets an answer, whatever is wrong with us
            guard.failed("ops", error)
            response = _FAILED
        await send_response(response, scope["method"], send)

    return {LEVELS_PATH: endpoint}


async def _done(actions: Actions, method: str, words: Words) -> bool:
    if method == "DELETE":
        return await actions.undo(words)
    if method == "POST":
        await actions.change(words)
    return True


def _is_meant(scope: Scope) -> bool:
    """Whether the caller may change something by this request, should it want to."""
    reads = scope["method"] in {"GET", "HEAD"}
    return reads or any(name == HEADER for name, _ in scope.get("headers", ()))
