"""Applications under a kit: instrumented once, by the kit of now, or left exactly as they are."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import Kit, ObserveMiddleware, instrument, setup
from observekit.errors import ConfigError

Make = Callable[..., Kit]
Footprint = Callable[[], dict[str, Any]]


def shop() -> Starlette:
    return Starlette(routes=[Route("/items/{sku}", lambda _: PlainTextResponse("tea"))])


async def bare(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(app: Any, path: str) -> list[dict[str, Any]]:
    """Return what *app* sends for a GET."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def requests(registry: CollectorRegistry, route: str, status: str = "200") -> float | None:
    labels = {"http_request_method": "GET", "http_route": route, "http_response_status_code": status}
    return registry.get_sample_value("http_server_request_duration_seconds_count", labels)


@pytest.mark.parametrize("make_app", [shop, FastAPI])
def test_instrumenting_twice_counts_once(make_kit: Make, make_app: Callable[[], Any]) -> None:
    kit, app = make_kit(logs="off", traces=False), make_app()
    app.add_route("/once", lambda _: PlainTextResponse("tea"))

    returned = [instrument(app), instrument(app)]
    ask(app, "/once")
    ask(app, "/once")

    assert returned == [kit, kit]
    assert requests(kit.registry, "/once") == 2.0


def test_an_application_gets_the_layer_of_the_kit_of_now(make_kit: Make) -> None:
    app = shop()
    first = make_kit(logs="off", traces=False)
    instrument(app)
    ask(app, "/items/1")
    first.shutdown()

    second = make_kit(logs="off", traces=False)
    instrument(app)
    ask(app, "/items/2")

    assert requests(second.registry, "/items/{sku}") == 1.0


def test_instrument_sets_up_where_nobody_has(make_kit: Make) -> None:
    app, registry = shop(), CollectorRegistry()

    kit = instrument(app, service_name="shop", logs="off", traces=False, registry=registry)
    same = make_kit(service_name="shop", registry=registry)

    assert same is kit
    assert [message["type"] for message in ask(app, "/livez")] == [
        "http.response.start",
        "http.response.body",
    ]


@pytest.mark.parametrize("observe", [instrument, ObserveMiddleware], ids=["instrument", "ObserveMiddleware"])
def test_settings_named_again_must_be_those_of_the_kit(
    make_kit: Make, observe: Callable[..., object]
) -> None:
    make_kit(service_name="shop", logs="off", metrics_path="/internal/metrics")

    observe(shop(), service_name="shop")
    with pytest.raises(ConfigError) as told:
        observe(shop(), service_name="cart", log_level="debug")

    assert str(told.value) == (
        "service_name is 'cart', but this process was set up with 'shop'.\n"
        "log_level is 'debug', but this process was set up with 'info'.\n"
        "Call setup() once, or end the first with Kit.shutdown()."
    )


def test_what_is_no_application_of_a_known_framework_is_refused(footprint: Footprint) -> None:
    before = footprint()

    with pytest.raises(ConfigError) as told:
        instrument(bare)

    assert str(told.value) == (
        "instrument() got 'function', but knows Starlette and FastAPI applications only. For another ASGI "
        "application write app = ObserveMiddleware(app)."
    )
    assert footprint() == before


def test_two_applications_of_one_process_share_its_kit(make_kit: Make) -> None:
    kit, first, second = make_kit(logs="off", traces=False), shop(), FastAPI()
    second.add_route("/pay", lambda _: PlainTextResponse("paid"))

    kits = {instrument(first), instrument(second)}
    wrapped = ObserveMiddleware(bare)
    for app, path in ((first, "/items/1"), (second, "/pay"), (wrapped, "/x")):
        ask(app, path)

    assert kits == {kit}
    assert [
        requests(kit.registry, "/items/{sku}"),
        requests(kit.registry, "/pay"),
        requests(kit.registry, "_unmatched", "204"),
    ] == [1.0, 1.0, 1.0]


DISABLED: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    ({"enabled": False}, {}),
    ({}, {"OBSERVEKIT_DISABLED": "1"}),
)


@pytest.mark.parametrize(("settings", "environ"), DISABLED, ids=["argument", "own variable"])
def test_what_is_off_leaves_the_process_and_its_applications_as_they_are(
    make_kit: Make,
    footprint: Footprint,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    environ: dict[str, str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app, registry = shop(), CollectorRegistry()
    before, attributes = footprint(), dict(vars(app))

    kit = make_kit(registry=registry, **settings)
    instrument(app, **settings)
    wrapped = ObserveMiddleware(bare, **settings)

    assert vars(app) == attributes
    assert {key: value for key, value in footprint().items() if key != "resets in forks"} == {
        key: value for key, value in before.items() if key != "resets in forks"
    }
    assert list(registry._collector_to_names) == []
    assert ask(wrapped, "/livez") == ask(bare, "/livez")
    assert kit.config.enabled is False


def test_what_is_off_still_takes_checks(make_kit: Make) -> None:
    kit = make_kit(enabled=False)

    @kit.readiness
    async def database() -> None:
        """Answer."""

    @kit.liveness("self", timeout_seconds=0.1)
    def alive() -> bool:
        return True

    kit.add_check("cache", lambda: True, criticality="degraded")
    kit.lifecycle.drain()

    assert (alive(), kit.lifecycle.state) == (True, "draining")
    assert list(kit.engine._checks) == ["database", "self", "cache"]


def test_the_resource_is_the_same_in_metrics_and_traces_but_for_which_process_it_is(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=1.2.3,deployment.environment.name=eu,k=v")
    registry = CollectorRegistry()

    make_kit(service_name="shop", service_namespace="market", revision="abc", logs="off", registry=registry)

    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    attributes = dict(provider.resource.attributes)
    process = attributes.pop("service.instance.id")
    [labels] = [
        sample.labels
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "target_info"
    ]
    assert labels == {
        "service_name": "shop",
        "service_namespace": "market",
        "service_version": "1.2.3",
        "service_instance_id": labels["service_instance_id"],
        "deployment_environment_name": "eu",
        "vcs_ref_head_revision": "abc",
    }
    in_traces = {name.replace(".", "_"): value for name, value in attributes.items()}
    # The page is that of all workers, a span that of one.
    assert process != labels.pop("service_instance_id")
    assert labels.items() <= in_traces.items()
    assert in_traces["k"] == "v"


def test_a_fact_that_is_not_known_is_empty_in_metrics_and_absent_in_traces(make_kit: Make) -> None:
    registry = CollectorRegistry()

    make_kit(service_instance_id="pod-7", logs="off", registry=registry)

    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    assert (
        registry.get_sample_value(
            "target_info",
            {
                "service_name": "unknown_service:python",
                "service_namespace": "",
                "service_version": "",
                "service_instance_id": "pod-7",
                "deployment_environment_name": "",
                "vcs_ref_head_revision": "",
            },
        )
        == 1.0
    )
    assert {"service.namespace", "service.version"}.isdisjoint(provider.resource.attributes)


def test_a_bare_setup_after_instrument_is_the_kit_of_the_application(make_kit: Make) -> None:
    kit = make_kit(logs="off")

    assert setup() is instrument(shop()) is kit
