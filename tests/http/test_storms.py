"""Storms of paths, methods and hosts: they make no series, and take no room from what comes after them."""

import random
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router

if TYPE_CHECKING:
    from tests.http.conftest import Bench

SEED = 4


async def page(request: Any) -> Response:
    return PlainTextResponse("page", 500 if request.path_params.get("item") == "broken" else 200)


def app() -> Starlette:
    items = [Route("/items/{item}", page)]
    return Starlette(
        routes=[*items, Host("{tenant}.service.test", Router(items)), Mount("/in/{t}", routes=items)]
    )


def lines(bench: "Bench") -> dict[str, set[str]]:
    """Return the series of each family, without their buckets."""
    return {
        metric.name: {str(sample.labels) for sample in metric.samples if "le" not in sample.labels}
        for metric in bench.instruments.store.collect()
    }


async def storm(layer: Any, call: Any, paths: int = 5_000) -> None:
    """Ask for many paths, with 1,000 methods, at 1,000 hosts, none of which the application knows."""
    chance = random.Random(SEED)  # noqa: S311 -- the same storm each time
    letters = "abcdefghij/{}%é"
    for _ in range(paths):
        await call("/" + "".join(chance.choices(letters, k=20))).make(layer)
    for number in range(1000):
        await call("/items/1", f"BREW{number}").make(layer)
        await call(f"/{number}", f"BREW{number}").make(layer)
        await call("/items/1", host=f"host{number}.test").make(layer)
        await call(f"/{number}", host=f"host{number}.test").make(layer)


def test_a_storm_adds_at_most_three_series_to_any_family(make_bench: Any, call: Any) -> None:
    bench = make_bench(traces=False)
    layer = bench.layer(app(), tracer=bench.tracer(None), logs=None)
    bench.run(call("/items/1").make(layer))
    before = lines(bench)

    bench.run(storm(layer, call))

    after = lines(bench)
    added = {name: len(after[name] - before[name]) for name in after if after[name] != before[name]}
    # 404 and 405, for GET and for methods that nobody knows.
    assert added["http_server_request_duration_seconds"] == max(added.values()) == 3
    assert sum(bench.durations().values()) == 9_001


def test_routes_that_are_seen_after_a_storm_have_series_of_their_own(make_bench: Any, call: Any) -> None:
    bench = make_bench(series_limit=10)
    layer = bench.layer(app(), tracer=bench.tracer(None), logs=None)

    bench.run(storm(layer, call, paths=1000))
    for path in ("/items/7", "/in/acme/items/7"):
        bench.run(call(path).make(layer))

    assert bench.durations()["GET", "/items/{item}", "200"] == 1001
    assert bench.durations()["GET", "/in/{t}/items/{item}", "200"] == 1
    assert not any("_overflow" in labels for labels in bench.durations())


def test_a_host_that_a_client_chooses_is_in_no_label(bench: "Bench", call: Any) -> None:
    layer = bench.layer(app())

    for number in range(50):
        bench.run(call("/items/7", host=f"tenant{number}.service.test").make(layer))

    assert len(bench.durations()) == 1


def test_the_first_failure_of_a_route_shows_as_an_increase(bench: "Bench", call: Any) -> None:
    layer = bench.layer(app())
    bench.run(call("/items/7").make(layer))
    before = failures(bench)

    bench.run(call("/items/broken").make(layer))

    assert before == {("GET", "/items/{item}", "500"): 0}
    assert failures(bench) == {("GET", "/items/{item}", "500"): 1}


def failures(bench: "Bench") -> dict[tuple[str, ...], int]:
    series = bench.instruments.requests.duration.series()
    return {labels: sum(cell.counts) for labels, cell in series if labels[2].startswith("5")}


def test_the_first_abort_of_a_route_shows_as_an_increase(bench: "Bench") -> None:
    bench.call(app(), "/items/7")

    aborted = {labels: cell.value for labels, cell in bench.instruments.requests.aborted.series()}

    reasons = ("cancelled", "client_disconnect", "error", "no_response")
    assert aborted == {("/items/{item}", reason): 0.0 for reason in reasons}


def test_failures_that_have_not_happened_take_at_most_half_of_the_room(make_bench: Any, call: Any) -> None:
    bench = make_bench(series_limit=20)
    routes = [Route(f"/{number}", page) for number in range(15)]
    layer = bench.layer(Starlette(routes=routes), tracer=bench.tracer(None), logs=None)

    for number in range(15):
        bench.run(call(f"/{number}").make(layer))

    assert len(bench.durations()) == 15
    assert not any("_overflow" in labels for labels in bench.durations())
    assert len(failures(bench)) == 5
