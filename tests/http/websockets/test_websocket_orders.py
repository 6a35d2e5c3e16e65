"""Whatever order messages come in, what was said is not changed, and nothing raises or stays open."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.often import often

if TYPE_CHECKING:
    from tests.http.websockets.conftest import Sockets

ACCEPT = {"type": "websocket.accept"}
TEXT = {"type": "websocket.send", "text": "out"}
CLOSE = {"type": "websocket.close"}
HELLO = {"type": "websocket.receive", "text": "in"}
REFUSE = {"type": "websocket.http.response.start", "status": 401, "headers": []}
REFUSED = {"type": "websocket.http.response.body", "body": b"no"}


class BrokenError(Exception):
    """What the application raises."""


def gone(code: int | str | None) -> dict[str, Any]:
    return {"type": "websocket.disconnect", **({} if code is None else {"code": code})}


def close(code: int) -> dict[str, Any]:
    return {**CLOSE, "code": code}


MESSAGES = st.sampled_from(
    [ACCEPT, TEXT, CLOSE, close(1011), close(4001), REFUSE, REFUSED, {"type": "websocket.of.tomorrow"}, {}]
)
CODES = st.one_of(st.none(), st.integers(-1, 5000), st.just("1000"))
INCOMING = st.one_of(st.just(HELLO), st.builds(gone, CODES), st.just({"type": "websocket.of.tomorrow"}))
ENDS = st.sampled_from([None, BrokenError, OSError, asyncio.CancelledError, KeyboardInterrupt])
REFUSALS = st.sampled_from([OSError, RuntimeError, asyncio.CancelledError])


@pytest.mark.often
@given(
    steps=st.lists(st.one_of(MESSAGES, st.just("receive")), max_size=10),
    end=ENDS,
    incoming=st.lists(INCOMING, max_size=4),
    refused=st.dictionaries(st.integers(0, 7), REFUSALS, max_size=2),
)
@settings(max_examples=often(400), deadline=None)
def test_no_order_of_messages_is_changed_or_raises_or_leaves_a_connection_open(
    make_unmanaged_sockets: "Callable[[], Sockets]",
    steps: list[Any],
    end: type[BaseException] | None,
    incoming: list[Any],
    refused: dict[int, type[BaseException]],
) -> None:
    sockets = make_unmanaged_sockets()
    raised = None if end is None else end()
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in steps:
            try:
                if step == "receive":
                    heard.append(await receive())
                else:
                    await send(step)
            except RuntimeError:
                continue
        if raised is not None:
            raise raised

    without = _drive(_refusing(sockets.connection("/", *incoming, *[gone(1006)] * 9), refused), app)
    bare_heard, heard = heard, []
    observed = _drive(
        _refusing(sockets.connection("/", *incoming, *[gone(1006)] * 9), refused), sockets.bench.layer(app)
    )

    assert (observed.sent, heard) == (without.sent, bare_heard)
    assert type(observed.error) is type(without.error)
    assert sockets.open() == 0
    assert sum(sockets.bench.guard.failures.values()) == 0
    assert len(sockets.bench.events) == len(sockets.bench.server_spans()) == 1
    assert sum(sockets.durations().values()) == 1


def _refusing(one: Any, refused: dict[int, type[BaseException]]) -> Any:
    """Let the server raise for the messages of these numbers."""

    async def send(message: Any) -> None:
        one.sent.append(message)
        if len(one.sent) - 1 in refused:
            raise refused[len(one.sent) - 1]

    one.send = send
    return one


def _drive(one: Any, app: Any) -> Any:
    """Run a connection without an event loop: nothing in these waits."""
    work = one.make(app)
    try:
        work.send(None)
    except StopIteration:
        return one
    raise AssertionError("the connection waits for something")
