"""What a service says of checks at work: who holds the loop, who changes, and that none of it is traced."""

import json
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from observekit import checks
from observekit.health.steps import BLOCKED_SECONDS

if TYPE_CHECKING:
    from tests.ops.conftest import Observed

Make = Callable[..., "Observed"]


def told(capfd: pytest.CaptureFixture[str], event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_check_that_holds_the_loop_is_named_once_and_counted_each_time(
    observe: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own", log_format="json", check_cache_seconds=0, runtime=False)

    @observed.kit.readiness
    async def pool() -> None:
        Event().wait(1.2 * BLOCKED_SECONDS)

    for _ in range(2):
        observed.client.get("/readyz")
    page = observed.client.get("/metrics").text
    observed.kit.shutdown()

    [line] = told(capfd, "health.check_blocks_loop")
    assert (line["level"], line["check"]) == ("warning", "pool")
    assert 'observekit_health_check_loop_blocks_total{check="pool"} 2.0' in page


def test_changes_are_counted_from_zero_on_and_the_first_result_is_none(observe: Make) -> None:
    observed = observe(check_cache_seconds=0, check_timeout_seconds=30, probe_timeout_seconds=30)
    answers = iter([True, True, False, True])
    observed.kit.readiness("db")(lambda: next(answers))
    counted = []

    for path in ("/livez", *["/readyz"] * 4):
        observed.client.get(path)
        page = observed.client.get("/metrics").text
        name = 'observekit_health_check_transitions_total{check="db"} '
        counted.append(page.partition(name)[2].partition("\n")[0])

    assert counted == ["0.0", "0.0", "0.0", "1.0", "2.0"]


@pytest.mark.parametrize("asynchronous", [True, False])
def test_clients_make_no_spans_for_checks(observe: Make, asynchronous: bool) -> None:
    observed = observe(traces=True)
    enabled: list[bool] = []

    async def on_loop() -> None:
        enabled.append(is_instrumentation_enabled())

    observed.kit.readiness("db")(
        on_loop if asynchronous else lambda: enabled.append(is_instrumentation_enabled())
    )
    observed.client.get("/readyz")

    assert enabled == [False]


def test_a_start_up_task_that_fails_is_said_and_start_up_is_never_over(
    observe: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own", log_format="json")
    observed.client.get("/")

    with pytest.raises(OSError, match="no model"), observed.kit.lifecycle.startup_task("model"):
        raise OSError("no model")
    answers = [observed.client.get(path) for path in ("/startupz", "/readyz", "/livez")]
    observed.kit.shutdown()

    assert [(one.status, one.text) for one in answers] == [
        (503, "failed\n"),
        (503, "starting\n"),
        (200, "ok\n"),
    ]
    [line] = told(capfd, "lifecycle.startup_task_ended")
    assert (line["level"], line["task"], line["state"], line["error"]) == (
        "error",
        "model",
        "failed",
        "OSError: no model",
    )


def test_a_ready_made_check_is_called_as_it_is_called(observed: "Observed") -> None:
    observed.kit.readiness(checks.disk_space("/"))

    answer = observed.client.get("/readyz/disk_space")

    assert (answer.status, answer.text) == (200, "ok\n")
