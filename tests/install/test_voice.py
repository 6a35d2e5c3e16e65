"""What observekit says of itself, and that nobody who listens can make it fail."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit

Make = Callable[..., Kit]


class Grumpy(logging.Handler):
    """A handler that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(f"cannot write {record.levelname}")


@pytest.fixture
def grumpy() -> Iterator[None]:
    handler = Grumpy()
    logging.getLogger("observekit").addHandler(handler)
    yield
    logging.getLogger("observekit").removeHandler(handler)


@pytest.mark.usefixtures("grumpy")
def test_a_handler_that_raises_does_not_reach_who_changes_the_life_cycle(make_kit: Make) -> None:
    registry = CollectorRegistry()
    kit = make_kit(logs="off", traces=False, registry=registry)

    kit.lifecycle.fail("out of memory")

    errors = registry.get_sample_value("observekit_internal_errors_total", {"component": "logs"})
    assert kit.lifecycle.state == "broken"
    assert errors is not None
    assert errors > 0


def test_the_start_is_said_with_what_is_on_and_what_was_not_followed(
    make_kit: Make, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSERVEKIT_LOG_LEVEL", "loud")
    monkeypatch.setenv("OBSERVEKIT_METRIX", "on")

    make_kit(service_version="1.2", log_format="json", health=False).shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    rejected, unknown, started = lines[:3]
    assert [(one["event"], one["level"], one["variable"]) for one in (rejected, unknown)] == [
        ("observekit.config_rejected", "warning", "OBSERVEKIT_LOG_LEVEL"),
        ("observekit.config_rejected", "warning", "OBSERVEKIT_METRIX"),
    ]
    assert {
        name: started[name] for name in ("event", "metrics", "logs", "traces", "health", "service_version")
    } == {
        "event": "observekit.started",
        "metrics": "/metrics",
        "logs": "own",
        "traces": "not exported",
        "health": "off",
        "service_version": "1.2",
    }


def test_a_variable_that_was_not_followed_is_counted_once(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long")  # Two settings read it.
    registry = CollectorRegistry()

    make_kit(logs="off", registry=registry)

    samples = [
        (sample.labels, sample.value)
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "observekit_config_rejected_values"
    ]
    assert samples == [({"variable": "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"}, 1.0)]


def test_a_check_that_was_to_have_more_time_than_its_probe_is_said_and_registered(
    make_kit: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    kit = make_kit(log_format="json", traces=False, check_timeout_seconds=0.5, probe_timeout_seconds=2)

    kit.add_check("pool", lambda: True, timeout_seconds=30)
    kit.readiness("disk", timeout_seconds=2)(lambda: True)
    kit.liveness("self")(lambda: True)
    kit.shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    told = [line for line in lines if line["event"] == "health.check_capped"]
    problem = (
        "timeout_seconds of check 'pool' is 30, but probe_timeout_seconds gives all checks of a probe 2 s "
        "together; raise OBSERVEKIT_PROBE_TIMEOUT and the time-out of the probe that asks, or lower that of "
        "the check."
    )
    assert [(one["level"], one["check"], one["problem"]) for one in told] == [("warning", "pool", problem)]
    assert set(kit.engine._checks) == {"pool", "disk", "self"}
