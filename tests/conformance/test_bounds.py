"""No text of a client makes a new series."""

from random import Random

import pytest
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Route

from .apps import Shop, foreign, page, shop_in_fastapi, shop_in_starlette
from .client import Visit, ask, ask_each
from .subjects import Subject

MANY = 300
FEW = 10
"""More than come late without any text of a client, as with the first request that was slow in some way."""
RANDOM = Random(0)  # noqa: S311 -- texts that differ, not secrets
TEXTS = [f"{RANDOM.getrandbits(64):x}" for _ in range(MANY)]


def series_added(subject: Subject, app: Starlette, visits: list[Visit]) -> int:
    """Return how many series come with all *visits* beyond those of the first, each counted once."""
    observed = subject.wrap(app)
    ask_each(observed, visits[:1])
    before = sum(subject.series().values())
    ask_each(observed, visits[1:])
    assert len(subject.requests()) == len(visits)
    return sum(subject.series().values()) - before


@pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])
def test_random_paths_add_no_series(subject: Subject, shop: Shop) -> None:
    assert series_added(subject, shop(), [Visit(f"/{text}") for text in TEXTS]) < FEW


@pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])
def test_random_values_of_a_parameter_add_no_series(subject: Subject, shop: Shop) -> None:
    assert series_added(subject, shop(), [Visit(f"/items/{text}") for text in TEXTS]) < FEW


@pytest.mark.parametrize("shop", [shop_in_starlette, shop_in_fastapi])
def test_random_values_of_the_parameter_of_a_mount_add_no_series(subject: Subject, shop: Shop) -> None:
    app = Starlette(routes=[Mount("/{tenant}", shop())])

    assert series_added(subject, app, [Visit(f"/{text}/items/7") for text in TEXTS]) < FEW


def test_random_paths_in_a_mount_with_a_parameter_add_no_series(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/{tenant}", shop_in_starlette())])

    assert series_added(subject, app, [Visit(f"/{text}/{text}") for text in TEXTS]) < FEW


def test_random_paths_below_an_opaque_mount_add_no_series(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/foreign", foreign)])

    assert series_added(subject, app, [Visit(f"/foreign/{text}") for text in TEXTS]) < FEW


def test_random_paths_that_are_redirected_add_no_series(subject: Subject) -> None:
    app = Starlette(routes=[Route("/items/{item}/", page)])

    assert series_added(subject, app, [Visit(f"/items/{text}") for text in TEXTS]) < FEW


def test_invented_methods_add_no_series(subject: Subject) -> None:
    visits = [Visit("/items/7", f"X{text}".upper()) for text in TEXTS]

    assert series_added(subject, shop_in_starlette(), visits) < FEW


@pytest.mark.parametrize("path", ["/items/7", "/nothing"])
def test_random_hosts_add_no_series(subject: Subject, path: str) -> None:
    visits = [Visit(path, host=f"{text}.test".encode()) for text in TEXTS]

    assert series_added(subject, shop_in_starlette(), visits) < FEW


def test_random_hosts_that_a_route_takes_add_no_series(subject: Subject) -> None:
    app = Starlette(routes=[Host("{name}.test", shop_in_starlette())])

    assert (
        series_added(subject, app, [Visit("/items/7", host=f"{text}.test".encode()) for text in TEXTS]) < FEW
    )


def test_random_headers_add_no_series(subject: Subject) -> None:
    visits = [Visit("/items/7", headers={"user-agent": text, "referer": text}) for text in TEXTS]

    assert series_added(subject, shop_in_starlette(), visits) < FEW


@pytest.mark.parametrize("host", [b"", b"[", b"a:b:c", b"\xff\xfe", b"x" * 65536, b"a b", b"http://a/b"])
def test_a_host_that_is_none_is_answered_and_counted(subject: Subject, host: bytes) -> None:
    seen = ask(subject.wrap(shop_in_starlette()), "/items/7", host=host)

    assert (seen.status, seen.error) == (200, None)
    assert subject.requests() == [seen.told("/items/{item}")]


@pytest.mark.parametrize(
    "path", ["/items/\udcff", "/items/\x00", "/items/é", "/items/%zz", "/items/" + "x" * 65536]
)
def test_a_path_of_any_text_is_answered_and_counted(subject: Subject, path: str) -> None:
    seen = ask(subject.wrap(shop_in_starlette()), path)

    assert (seen.status, seen.error) == (200, None)
    assert subject.requests() == [seen.told("/items/{item}")]
