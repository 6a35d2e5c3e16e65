"""One SERVER span for each request, with the name of its route."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Mount

from .apps import Shop, fails, hangs, one_route, shop_in_fastapi, shop_in_starlette
from .client import ask, run
from .subjects import Subject, Told
from .test_departures import cancelled

SHOPS = pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])


@SHOPS
def test_a_request_is_one_span_with_its_route(subject: Subject, shop: Shop) -> None:
    ask(subject.wrap(shop()), "/items/7")

    assert subject.named_spans() == [Told("GET /items/{item}", "/items/{item}", 200)]


@SHOPS
def test_a_request_to_a_mounted_application_is_one_span_with_its_route(subject: Subject, shop: Shop) -> None:
    ask(subject.wrap(Starlette(routes=[Mount("/{tenant}", shop())])), "/acme/items/7")

    assert subject.named_spans() == [Told("GET /{tenant}/items/{item}", "/{tenant}/items/{item}", 200)]


def test_a_path_that_nothing_has_is_a_span_without_the_text_of_the_client_in_its_name(
    subject: Subject,
) -> None:
    ask(subject.wrap(shop_in_starlette()), "/nothing")

    assert subject.named_spans() == [Told("GET", None, 404)]


def test_a_stream_is_one_span(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"piece"

    ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert [span.status for span in subject.spans()] == [200]


def test_a_request_that_fails_is_one_span_with_the_status_that_the_client_saw(subject: Subject) -> None:
    ask(subject.wrap(one_route(fails)))

    assert [span.status for span in subject.spans()] == [500]


def test_a_request_that_is_cancelled_is_one_span_without_a_status(subject: Subject) -> None:
    run(cancelled(subject.wrap(one_route(hangs))))

    assert [span.status for span in subject.spans()] == [None]
