"""A request has one owner: one SERVER span and one sample, whoever else would trace it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from observekit import ObserveMiddleware, instrument

from .apps import ONE, added, fastapi, instrumented, page, starlette, wrapped

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed


def instrumented_twice(app: Any) -> Any:
    instrument(app)
    return instrumented(app)


def wrapped_twice(app: Any) -> Any:
    return ObserveMiddleware(ObserveMiddleware(app))


def added_twice(app: Any) -> Any:
    return added(added(app))


def instrumented_and_added(app: Any) -> Any:
    return added(instrumented(app))


def added_and_instrumented(app: Any) -> Any:
    return instrumented(added(app))


def instrumented_and_wrapped(app: Any) -> Any:
    return wrapped(instrumented(app))


WAYS = [
    instrumented,
    instrumented_twice,
    wrapped,
    wrapped_twice,
    added,
    added_twice,
    instrumented_and_added,
    added_and_instrumented,
    instrumented_and_wrapped,
]
Way = Callable[[Any], Any]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [fastapi, starlette])
def test_a_request_has_one_span_and_one_sample(observed: "Observed", make: Any, way: Way) -> None:
    app = way(make())

    statuses = observed.get(app, "/items/7")

    assert statuses == [200]
    assert [span.name for span in observed.servers()] == ["GET /items/{item}"]
    assert observed.durations() == ONE
    assert observed.samples("http_server_active_requests") == {}


@pytest.mark.parametrize("way", WAYS)
def test_an_application_that_was_served_before_it_is_observed_is_observed_from_then_on(
    observed: "Observed", way: Way
) -> None:
    app = starlette()
    observed.get(app, "/items/7")
    if way in {added, added_twice, instrumented_and_added, added_and_instrumented}:
        app.middleware_stack = None  # Starlette refuses to add middleware to a stack that is built.

    statuses = observed.get(way(app), "/items/7")

    assert statuses == [200]
    assert observed.durations() == ONE


@pytest.mark.parametrize("outer_way", [instrumented, wrapped, added])
@pytest.mark.parametrize("inner_way", [instrumented, wrapped, added])
@pytest.mark.parametrize("make", [fastapi, starlette])
def test_an_application_in_an_application_has_one_owner(
    observed: "Observed", make: Any, inner_way: Way, outer_way: Way
) -> None:
    inner = inner_way(make())
    outer = outer_way(Starlette(routes=[Mount("/in/{t}", app=inner)]))

    observed.get(outer, "/in/acme/items/7")

    assert [span.name for span in observed.servers()] == ["GET /in/{t}/items/{item}"]
    assert observed.durations() == {("GET", "200", "/in/{t}/items/{item}"): 1.0}


def test_two_applications_in_one_process_are_told_apart_by_their_routes(observed: "Observed") -> None:
    first, second = instrumented(starlette()), instrumented(Starlette(routes=[Route("/second", page)]))

    observed.get(first, "/items/7", "/second")
    observed.get(second, "/items/7", "/second")

    assert observed.durations() == {
        ("GET", "200", "/items/{item}"): 1.0,
        ("GET", "200", "/second"): 1.0,
        ("GET", "404", "_unmatched"): 2.0,
    }


@pytest.mark.parametrize("way", WAYS)
def test_starlettes_own_middleware_adds_no_span(observed: "Observed", way: Way) -> None:
    theirs = pytest.importorskip("starlette.middleware.opentelemetry")
    app = starlette()
    app.add_middleware(theirs.OpenTelemetryMiddleware)

    observed.get(way(app), "/items/7")

    assert len(observed.servers()) == 1
    assert observed.durations() == ONE


def test_starlettes_own_middleware_around_observekit_keeps_its_span(observed: "Observed") -> None:
    theirs = pytest.importorskip("starlette.middleware.opentelemetry")
    app = theirs.OpenTelemetryMiddleware(wrapped(starlette()))

    observed.get(app, "/items/7")

    (span,) = observed.servers()
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "starlette"
    assert observed.durations() == ONE


@pytest.mark.parametrize("way", WAYS)
def test_the_contrib_middleware_around_observekit_keeps_its_span(observed: "Observed", way: Way) -> None:
    contrib = pytest.importorskip("opentelemetry.instrumentation.asgi")
    app = contrib.OpenTelemetryMiddleware(way(starlette()), exclude_spans=["receive", "send"])

    observed.get(app, "/items/7")

    (span,) = observed.servers()
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.asgi"
    assert observed.durations() == ONE


@pytest.mark.parametrize("way", WAYS)
def test_the_contrib_middleware_within_observekit_makes_no_server_span(
    observed: "Observed", way: Way
) -> None:
    contrib = pytest.importorskip("opentelemetry.instrumentation.asgi")
    app = starlette()
    app.add_middleware(contrib.OpenTelemetryMiddleware, exclude_spans=["receive", "send"])

    observed.get(way(app), "/items/7")

    assert len(observed.servers()) == 1
    assert observed.durations() == ONE


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [fastapi, starlette])
def test_a_provider_that_the_user_has_set_gets_each_span_once(
    observe: "Callable[..., Observed]", provider: TracerProvider, make: Any, way: Way
) -> None:
    observed = observe(provider, traces_endpoint="http://127.0.0.1:9/v1/traces")

    observed.get(way(make()), "/items/7")

    assert [span.name for span in observed.servers()] == ["GET /items/{item}"]
    assert observed.samples("observekit_spans_total") == {}


@pytest.mark.parametrize("way", WAYS)
def test_without_traces_others_keep_theirs(
    observe: "Callable[..., Observed]", provider: TracerProvider, way: Way
) -> None:
    observed = observe(provider, traces=False)
    app = fastapi()

    observed.get(way(app), "/items/7")

    assert len(observed.servers()) == (1 if hasattr(app, "_telemetry") else 0)
    assert observed.durations() == ONE


def test_a_kit_that_was_ended_is_followed_by_the_next(observe: "Callable[..., Observed]") -> None:
    app = starlette()
    first = observe()
    instrument(app)
    first.get(app, "/items/7")
    first.kit.shutdown()

    second = observe()
    instrument(app)
    second.get(app, "/items/7")

    assert (first.durations(), second.durations()) == ({}, ONE)
    assert (len(first.servers()), len(second.servers())) == (1, 1)
