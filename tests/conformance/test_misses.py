"""Requests that no endpoint takes, methods that none has, and methods that nobody has."""

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route

from .apps import Shop, nested_routers, page, shop_in_fastapi, shop_in_starlette
from .client import Counted, ask
from .subjects import OTHER, Subject

SHOPS = pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])


@SHOPS
def test_a_path_that_nothing_has_is_counted_without_a_route(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(shop()), "/nothing")

    assert seen.status == 404
    assert subject.requests() == [seen.told(None)]


def test_a_path_that_an_included_router_does_not_have_is_counted_without_a_route(subject: Subject) -> None:
    seen = ask(subject.wrap(nested_routers()), "/v1/city/ulm/shop/nothing")

    assert seen.status == 404
    assert subject.requests() == [seen.told(None)]


@SHOPS
def test_a_path_that_a_mounted_application_does_not_have_is_counted_without_a_route_or_at_the_mount(
    subject: Subject, shop: Shop
) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/shop", shop())])), "/shop/nothing")

    assert seen.status == 404
    assert subject.requests() in ([seen.told(None)], [seen.told("/shop")])


@SHOPS
def test_a_path_that_a_mount_with_a_parameter_does_not_have_is_counted_without_the_text_of_the_client(
    subject: Subject, shop: Shop
) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/{tenant}", shop())])), "/acme/nothing")

    assert seen.status == 404
    assert subject.requests() in ([seen.told(None)], [seen.told("/{tenant}")])


@SHOPS
def test_a_method_that_a_route_does_not_take_is_counted_at_the_route(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(shop()), "/items/7", "DELETE")

    assert seen.status == 405
    assert subject.requests() == [seen.told("/items/{item}")]


def test_a_method_that_a_route_of_nested_routers_does_not_take_is_counted_at_the_route(
    subject: Subject,
) -> None:
    seen = ask(subject.wrap(nested_routers()), "/v1/city/ulm/shop/items/7", "DELETE")

    assert seen.status == 405
    assert subject.requests() == [seen.told("/v1/city/{city}/shop/items/{item}")]


@SHOPS
def test_a_method_that_a_mounted_route_does_not_take_is_counted_at_the_route(
    subject: Subject, shop: Shop
) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/shop", shop())])), "/shop/items/7", "DELETE")

    assert seen.status == 405
    assert subject.requests() == [seen.told("/shop/items/{item}")]


def test_head_is_counted_as_head(subject: Subject) -> None:
    seen = ask(subject.wrap(shop_in_starlette()), "/items/7", "HEAD")

    assert seen.status == 200
    assert subject.requests() == [Counted("HEAD", "/items/{item}", 200)]


@SHOPS
def test_options_is_counted_as_options(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(shop()), "/items/7", "OPTIONS")

    assert seen.status == 405
    assert [one.method for one in subject.requests()] == ["OPTIONS"]


def test_options_that_middleware_answers_before_the_routes_is_counted(subject: Subject) -> None:
    app = shop_in_starlette()
    app.user_middleware.append(Middleware(CORSMiddleware, allow_origins=["*"]))
    asked = {"origin": "http://other.test", "access-control-request-method": "GET"}

    seen = ask(subject.wrap(app), "/items/7", "OPTIONS", headers=asked)

    assert seen.status == 200
    assert subject.requests() in ([seen.told(None)], [seen.told("/items/{item}")])


@pytest.mark.parametrize("method", ["BREW", "get", "GÉT", "X" * 5000])
def test_a_method_that_nobody_has_is_counted_as_other(subject: Subject, method: str) -> None:
    seen = ask(subject.wrap(shop_in_starlette()), "/items/7", method)

    assert seen.status == 405
    assert [one.method for one in subject.requests()] == [OTHER]


@pytest.mark.parametrize("framework", [Starlette, FastAPI])
def test_a_redirect_to_where_the_slash_is_right_is_counted_without_the_text_of_the_client(
    subject: Subject, framework: type[Starlette]
) -> None:
    app = framework(routes=[Route("/items/{item}/", page)])

    seen = ask(subject.wrap(app), "/items/7")

    assert seen.status == 307
    told = [seen.told(route) for route in (None, "/items/{item}", "/items/{item}/")]
    assert subject.requests() in [[one] for one in told]


def test_a_redirect_in_a_mounted_application_is_counted_without_the_text_of_the_client(
    subject: Subject,
) -> None:
    app = Starlette(routes=[Mount("/{tenant}", routes=[Route("/items/", page)])])

    seen = ask(subject.wrap(app), "/acme/items")

    assert seen.status == 307
    told = [seen.told(route) for route in (None, "/{tenant}", "/{tenant}/items", "/{tenant}/items/")]
    assert subject.requests() in [[one] for one in told]
