"""Responses say which trace they are of, the framework's error page included."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from observekit import instrument

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

TRACE = "12345678901234567890123456789012"
CALLER = {"traceparent": f"00-{TRACE}-1234567890123456-01"}

Observe = Callable[..., "Observed"]


async def fine(_: Request) -> Response:
    return PlainTextResponse("fine")


async def broken(_: Request) -> Response:
    raise RuntimeError("broken")


async def telling(_: Request) -> Response:
    return PlainTextResponse("told", headers={"traceresponse": "theirs"})


def get(path: str, **headers: str) -> httpx.Response:
    app = Starlette(routes=[Route("/fine", fine), Route("/broken", broken), Route("/telling", telling)])
    instrument(app)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(("path", "status"), [("/fine", 200), ("/broken", 500), ("/nowhere", 404)])
def test_each_response_names_its_span(observe: Observe, path: str, status: int) -> None:
    observed = observe()

    answer = get(path, **CALLER)

    (span,) = observed.servers()
    assert span.context is not None
    assert (answer.status_code, answer.headers.get_list("traceresponse")) == (
        status,
        [f"00-{TRACE}-{span.context.span_id:016x}-01"],
    )
    assert "server-timing" not in answer.headers


def test_an_unsampled_response_says_so(observe: Observe) -> None:
    observe(traces_sampler="always_off")

    answer = get("/fine", **CALLER)

    assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert answer.headers["traceresponse"].endswith("-00")


def test_server_timing_says_it_to_browsers_where_it_is_asked_for(observe: Observe) -> None:
    observe(server_timing=True, trace_response=False)

    answer = get("/fine", **CALLER)

    assert answer.headers["server-timing"].startswith(f'traceparent;desc="00-{TRACE}-')
    assert "traceresponse" not in answer.headers


def test_what_the_application_says_itself_stays_alone(observe: Observe) -> None:
    observe()

    assert get("/telling").headers.get_list("traceresponse") == ["theirs"]


@pytest.mark.parametrize("settings", [{"trace_response": False}, {"traces": False}])
def test_turned_off_nothing_is_added(observe: Observe, settings: dict[str, Any]) -> None:
    observe(**settings)

    assert get("/fine", **CALLER).headers.keys() == {"content-length", "content-type"}
