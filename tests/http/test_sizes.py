"""Sizes of bodies: the bytes that passed, or nothing where nobody here knows."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.http.conftest import Bench

Make = Callable[..., "Bench"]
START = {"type": "http.response.start", "status": 200, "headers": []}
PIECE = {"type": "http.response.body", "body": b"piece", "more_body": True}
LAST = {"type": "http.response.body", "body": b"last"}
MORE = {"type": "http.request", "body": b"12345", "more_body": True}
ENOUGH = {"type": "http.request", "body": b"678"}
GONE = {"type": "http.disconnect"}


def bare(*steps: Any) -> Any:
    """Return an application that sends messages, and reads on `receive`, in order."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in steps:
            await (receive() if step == "receive" else send(dict(step)))

    return app


def sizes(bench: "Bench") -> tuple[list[Any], list[Any]]:
    """Return labels and bytes of the request's body, and of the response's."""
    families = bench.instruments.requests.sizes
    assert families is not None
    request, response = (
        [(*labels, cell.sum) for labels, cell in family.series() if sum(cell.counts)]
        for family in (families.request, families.response)
    )
    return request, response


def test_the_sizes_of_a_request_are_the_bytes_that_passed(make_bench: Make) -> None:
    bench = make_bench(body_sizes=True)

    async def read(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("answer", 201)

    app = Starlette(routes=[Route("/x/{y}", read, methods=["POST"])])
    # What a header says of the length is not asked.
    lied = [(b"content-length", b"4711")]
    bench.call(app, "/x/1", "POST", incoming=[dict(MORE), dict(ENOUGH)], headers=lied)

    assert sizes(bench) == ([("POST", "/x/{y}", "201", 8)], [("POST", "/x/{y}", "201", 6)])


BODIES: dict[str, tuple[list[Any], int | None, int | None]] = {
    "read and answered": (["receive", "receive", START, LAST], 8, 4),
    "in pieces": (["receive", "receive", START, PIECE, PIECE, LAST], 8, 14),
    "not read": ([START, LAST], None, 4),
    "not read to the end": (["receive", START, LAST], None, 4),
    "an answer without a body": (["receive", "receive", START, {"type": "http.response.body"}], 8, 0),
    "204": ([{**START, "status": 204}, LAST], None, 0),
    "304": ([{**START, "status": 304}, LAST], None, 0),
    "a path": ([START, {"type": "http.response.pathsend", "path": "/file"}], None, None),
    "a file": ([START, {"type": "http.response.zerocopysend", "file": 3}], None, None),
    "a file in the middle": (
        [START, PIECE, {"type": "http.response.zerocopysend", "file": 3, "more_body": True}, LAST],
        None,
        None,
    ),
    "no answer": (["receive", "receive"], 8, None),
    "the start of an answer": ([START, PIECE], None, 5),
    "a client that left": (["receive", "receive", "receive", START, LAST], 8, None),
}


@pytest.mark.parametrize(("steps", "request_bytes", "response_bytes"), BODIES.values(), ids=BODIES)
def test_a_size_that_nobody_knows_is_left_out(
    make_bench: Make, steps: list[Any], request_bytes: int | None, response_bytes: int | None
) -> None:
    bench = make_bench(body_sizes=True)

    bench.call(bare(*steps), method="POST", incoming=[dict(MORE), dict(ENOUGH), dict(GONE)])

    request, response = sizes(bench)
    assert [one[-1] for one in request] == ([] if request_bytes is None else [request_bytes])
    assert [one[-1] for one in response] == ([] if response_bytes is None else [response_bytes])


GIVEN_UP: dict[str, tuple[dict[str, Any], int | None]] = {
    "a piece": (PIECE, None),
    "the last piece": (LAST, None),
    "an end without bytes": ({"type": "http.response.body"}, 5),
}


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
@pytest.mark.parametrize(("given_up", "told"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_what_was_given_up_may_have_gone_out_or_not(
    make_bench: Make,
    call: Any,
    given_up: dict[str, Any],
    told: int | None,
    error: type[BaseException],
) -> None:
    """Some servers write before they wait for a slow client, or find fault with it, and some after."""
    bench = make_bench(body_sizes=True)
    one = call()

    async def send(message: Any) -> None:
        if len(one.sent) == 2:
            raise error
        one.sent.append(message)

    one.send = send
    bench.run(one.make(bench.layer(bare(START, PIECE, given_up))))

    assert bench.events[0]["response_bytes"] == told
    assert [size for *_, size in sizes(bench)[1]] == ([] if told is None else [told])


def test_the_answer_to_head_has_no_bytes(make_bench: Make) -> None:
    bench = make_bench(body_sizes=True)

    bench.call(bare(START, LAST), method="HEAD")

    assert sizes(bench) == ([], [("HEAD", "_unmatched", "200", 0)])
    assert bench.events[0]["response_bytes"] == 0


def test_the_canonical_event_does_not_guess_the_size_of_a_file(bench: "Bench") -> None:
    bench.call(bare(START, {"type": "http.response.pathsend", "path": "/file"}))

    assert bench.events[0]["response_bytes"] is None


def test_nobody_who_does_not_ask_pays_for_sizes(bench: "Bench") -> None:
    """An exchange is between the application and its server, and nothing else."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(receive.__self__)

    made = bench.call(app)

    assert seen[0]._receive == made.receive
    assert bench.instruments.requests.sizes is None
    assert "body_size" not in "".join(bench.instruments.store.blocks("text"))
