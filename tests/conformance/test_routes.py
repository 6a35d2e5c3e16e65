"""The route of a request is the template it was registered with, whatever leads there."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

from .apps import Shop, foreign, nested_routers, page, shop_in_fastapi, shop_in_starlette
from .client import ask
from .subjects import Subject

SHOPS = pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])


@SHOPS
def test_a_route_with_a_parameter_is_one_route(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(shop()), "/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/items/{item}")]


def test_a_route_of_nested_routers_has_all_of_their_prefixes(subject: Subject) -> None:
    seen = ask(subject.wrap(nested_routers()), "/v1/city/ulm/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/v1/city/{city}/shop/items/{item}")]


@SHOPS
def test_a_route_of_a_mounted_application_has_the_path_of_the_mount(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/shop", shop())])), "/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/shop/items/{item}")]


@SHOPS
def test_a_route_of_an_application_mounted_in_fastapi_has_the_path_of_the_mount(
    subject: Subject, shop: Shop
) -> None:
    app = FastAPI()
    app.mount("/shop", shop())

    seen = ask(subject.wrap(app), "/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/shop/items/{item}")]


def test_a_route_of_nested_routers_in_a_mounted_application_has_all_prefixes(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/api", nested_routers())])

    seen = ask(subject.wrap(app), "/api/v1/city/ulm/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/api/v1/city/{city}/shop/items/{item}")]


@SHOPS
def test_a_route_two_mounts_deep_has_the_paths_of_both(subject: Subject, shop: Shop) -> None:
    app = Starlette(routes=[Mount("/city", routes=[Mount("/shop", shop())])])

    seen = ask(subject.wrap(app), "/city/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/city/shop/items/{item}")]


@SHOPS
def test_the_parameter_of_a_mount_stays_a_parameter(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/{tenant}", shop())])), "/acme/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/{tenant}/items/{item}")]


def test_middleware_around_a_mounted_application_hides_nothing(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/shop", GZipMiddleware(shop_in_starlette()))])

    seen = ask(subject.wrap(app), "/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/shop/items/{item}")]


def test_middleware_of_a_mount_hides_nothing(subject: Subject) -> None:
    mount = Mount("/shop", routes=[Route("/items/{item}", page)], middleware=[Middleware(GZipMiddleware)])

    seen = ask(subject.wrap(Starlette(routes=[mount])), "/shop/items/7")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/shop/items/{item}")]


@pytest.mark.parametrize(("name", "status"), [("page.txt", 200), ("nothing.txt", 404)])
def test_files_are_counted_where_they_are_mounted(
    subject: Subject, tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "page.txt").write_text("page")

    seen = ask(
        subject.wrap(Starlette(routes=[Mount("/static", StaticFiles(directory=tmp_path))])), f"/static/{name}"
    )

    assert seen.status == status
    assert subject.requests() == [seen.told("/static")]


def test_an_application_of_no_framework_is_counted_where_it_is_mounted(subject: Subject) -> None:
    seen = ask(subject.wrap(Starlette(routes=[Mount("/foreign", foreign)])), "/foreign/over/there")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/foreign")]


def test_an_application_of_no_framework_has_no_route(subject: Subject) -> None:
    seen = ask(subject.wrap(foreign), "/over/there")

    assert seen.status == 200
    assert subject.requests() == [seen.told(None)]


@SHOPS
def test_a_host_adds_nothing_to_a_route(subject: Subject, shop: Shop) -> None:
    app = Starlette(routes=[Host("{name}.service.test", shop())])

    seen = ask(subject.wrap(app), "/items/7", host=b"acme.service.test")

    assert seen.status == 200
    assert subject.requests() == [seen.told("/items/{item}")]


@SHOPS
def test_a_root_path_of_the_server_is_all_that_may_come_before_a_route(subject: Subject, shop: Shop) -> None:
    seen = ask(subject.wrap(shop()), "/behind/items/7", root_path="/behind")

    assert seen.status == 200
    assert subject.requests() in ([seen.told("/items/{item}")], [seen.told("/behind/items/{item}")])


@SHOPS
def test_a_root_path_of_the_server_is_all_that_may_come_before_a_mounted_route(
    subject: Subject, shop: Shop
) -> None:
    app = Starlette(routes=[Mount("/shop", shop())])

    seen = ask(subject.wrap(app), "/behind/shop/items/7", root_path="/behind")

    assert seen.status == 200
    assert subject.requests() in ([seen.told("/shop/items/{item}")], [seen.told("/behind/shop/items/{item}")])
