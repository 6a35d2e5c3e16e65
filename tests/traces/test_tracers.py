"""Each library has a tracer of its own name, whichever SDK makes them; names made of data do not pile up."""

from weakref import ref

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from observekit.catalogue.metrics import COMPONENTS
from observekit.config import Config
from observekit.guard import Guard
from observekit.traces.provider import Provider, make_provider


@pytest.fixture
def provider() -> Provider:
    return make_provider(Config(), {}, None, Guard(COMPONENTS), lambda _: None)


def forget(provider: Provider) -> None:
    """Let the SDK make a new tracer for each call, as it does before 1.41."""
    getattr(provider, "_tracers", {}).clear()


def test_each_name_has_its_scope_also_where_tracers_come_and_go(provider: Provider) -> None:
    names = [f"library {number}" for number in range(2000)]
    found: list[str | None] = []

    for name in names:
        span = provider.get_tracer(name).start_span("theirs")
        assert isinstance(span, ReadableSpan)
        found.append(None if span.instrumentation_scope is None else span.instrumentation_scope.name)
        forget(provider)

    assert found == names


def test_a_scope_has_one_tracer_and_another_version_another(provider: Provider) -> None:
    first = provider.get_tracer("theirs", "1", "https://schema", {"a": 1})
    forget(provider)

    assert provider.get_tracer("theirs", "1", "https://schema", {"a": 1}) is first
    assert provider.get_tracer("theirs", "2", "https://schema", {"a": 1}) is not first
    assert provider.get_tracer("theirs", "1", "https://schema", {"a": 2}) is not first


def test_names_without_end_do_not_pile_up(provider: Provider) -> None:
    made = []
    for number in range(3000):
        made.append(ref(provider.get_tracer(f"library {number}")))
        forget(provider)

    assert sum(one() is not None for one in made) <= 1024
