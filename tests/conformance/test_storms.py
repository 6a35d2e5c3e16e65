"""After any storm of texts, every family is as large as before, and what comes later has its place."""

from collections.abc import Iterator
from random import Random
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Route

from tests.often import often

from .apps import fails, page, shop_in_starlette
from .client import Counted, Visit, ask, ask_each
from .subjects import OVERFLOW, Subject

PATHS: Final = 50_000
METHODS: Final = 1_000
HOSTS: Final = 1_000
MORE: Final = 3
"""Statuses that come up in the storm: of a path that nothing has, and of methods that nobody has."""


def storm(paths: int) -> Iterator[Visit]:
    """Ask for random paths, with invented methods, at random hosts."""
    chance = Random(0)  # noqa: S311 -- the same storm each time, not secrets
    letters = "abcdefghij/{}%é"
    for _ in range(paths):
        yield Visit("/" + "".join(chance.choices(letters, k=20)))
    for number in range(METHODS):
        yield Visit("/items/7", f"BREW{number}")
        yield Visit(f"/{number}", f"BREW{number}")
    for number in range(HOSTS):
        yield Visit("/items/7", host=b"host%d.test" % number)
        yield Visit(f"/{number}", host=b"host%d.test" % number)


def shop() -> Starlette:
    items = Route("/items/{item}", page)
    return Starlette(
        routes=[items, Route("/later/{item}", page), Host("{name}.at.test", shop_in_starlette())]
    )


@pytest.mark.often
@pytest.mark.timeout(600)
def test_a_storm_of_paths_and_methods_and_hosts_adds_three_series_to_a_family(subject: Subject) -> None:
    subject.set_up(spans=False)
    app = subject.wrap(shop())
    ask(app, "/items/7")
    before = subject.series()

    ask_each(app, storm(often(PATHS)))

    added = {name: count - before.get(name, 0) for name, count in subject.series().items()}
    assert max(added.values()) <= MORE, added
    assert len(subject.requests()) == 1 + often(PATHS) + 2 * METHODS + 2 * HOSTS


def test_a_route_that_is_first_seen_after_a_storm_has_a_series_of_its_own(subject: Subject) -> None:
    app = subject.wrap(shop())
    ask_each(app, storm(paths=1000))

    ask(app, "/later/7")

    assert Counted("GET", "/later/{item}", 200) in subject.requests()


def test_a_storm_takes_no_room_from_a_route_that_comes_after_it(subject: Subject) -> None:
    subject.set_up(series_limit=10)
    app = subject.wrap(shop())
    ask_each(app, storm(paths=1000))

    ask(app, "/later/7")

    assert Counted("GET", "/later/{item}", 200) in subject.requests()
    assert OVERFLOW not in {request.route for request in subject.requests()}


def test_routes_over_the_limit_are_one_series_and_no_request_is_lost(subject: Subject) -> None:
    subject.set_up(series_limit=20)
    app = subject.wrap(Starlette(routes=[Route(f"/{number}", page) for number in range(100)]))

    ask_each(app, [Visit(f"/{number}") for number in range(100)] * 3)

    routes = [request.route for request in subject.requests()]
    assert len(routes) == 300
    assert len(set(routes)) <= 21
    assert {routes.count(route) for route in set(routes) - {OVERFLOW}} == {3}
    assert routes.count(OVERFLOW) == 300 - 3 * len(set(routes) - {OVERFLOW}) > 0


def test_statuses_over_the_limit_are_one_series_and_no_request_is_lost(subject: Subject) -> None:
    async def any_status(request: Request) -> Response:
        return PlainTextResponse("page", request.path_params["status"])

    subject.set_up(series_limit=20)
    app = subject.wrap(Starlette(routes=[Route("/{status:int}", any_status)]))

    ask_each(app, [Visit(f"/{status}") for status in range(400, 500)])

    requests = subject.requests()
    assert len(requests) == 100
    assert {request.route for request in requests} == {"/{status:int}"}
    assert [request.status for request in requests].count(OVERFLOW) >= 100 - 20


def test_failures_of_a_route_are_at_zero_before_the_first(subject: Subject) -> None:
    app = subject.wrap(shop())

    ask(app, "/items/7")

    assert subject.expected() == [Counted("GET", "/items/{item}", 500)]


def test_the_first_failure_of_a_route_raises_a_series_that_was_at_zero(subject: Subject) -> None:
    async def sometimes(request: Request) -> Response:
        return await (fails if request.path_params["item"] == "broken" else page)(request)

    app = subject.wrap(Starlette(routes=[Route("/items/{item}", sometimes)]))
    ask(app, "/items/7")
    failure = Counted("GET", "/items/{item}", 500)
    before = subject.expected()

    ask(app, "/items/broken")

    assert before == [failure]
    assert (subject.expected(), subject.requests().count(failure)) == ([], 1)
