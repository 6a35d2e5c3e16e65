"""operation(): what ran, how long, what came of it, in metrics, span and log at once."""

import asyncio
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from observekit import ObserveMiddleware, annotate, operation
from observekit.errors import ConfigError
from observekit.operations.periods import Periods

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

Begin = Callable[..., "Seen"]
COUNT = "operation_duration_seconds_count"


async def answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def test_one_call_gives_a_span_a_duration_and_an_outcome(seen: "Seen") -> None:
    with operation("charge", labels={"provider": "acme", "retried": False}, fields={"order": 17}):
        pass

    assert seen.samples(COUNT) == {"operation=charge outcome=ok provider=acme retried=false": 1.0}
    assert dict(seen.spans()["charge"].attributes or {}) == {
        "operation": "charge",
        "provider": "acme",
        "retried": "false",
        "order": 17,
    }


def test_the_other_outcomes_of_an_operation_are_there_at_zero(seen: "Seen") -> None:
    with operation("charge"):
        pass

    families = [one for one in seen.kit.registry.collect() if one.name == "operation_duration_seconds"]
    counts = {one.labels["outcome"]: one.value for one in families[0].samples if one.name == COUNT}
    assert counts == {"ok": 1.0, "error": 0.0, "cancelled": 0.0}


def test_an_exception_is_an_error_and_goes_on_as_it_is(seen: "Seen") -> None:
    raised = ValueError("no such card")

    with pytest.raises(ValueError, match="no such card") as told, operation("charge"):
        raise raised

    span = seen.spans()["charge"]
    assert told.value is raised
    assert seen.samples(COUNT) == {"operation=charge outcome=error": 1.0}
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (
        StatusCode.ERROR,
        "ValueError",
    )
    assert [event.name for event in span.events] == ["exception"]


def test_what_is_secret_is_in_no_span(seen: "Seen") -> None:
    with pytest.raises(ValueError, match="token"), operation("login", fields={"password": "hunter2"}):
        raise ValueError("token=hunter2")

    assert "hunter2" not in seen.spans()["login"].to_json()


def test_a_cancelled_operation_is_no_error(seen: "Seen") -> None:
    @operation("wait")
    async def wait() -> None:
        await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert seen.samples(COUNT) == {"operation=wait outcome=cancelled": 1.0}
    assert seen.spans()["wait"].status.status_code is StatusCode.UNSET


def test_an_operation_outside_of_a_request_is_a_job_with_an_event_of_its_own(seen: "Seen") -> None:
    before = time()

    with operation("import", labels={"kind": "full"}, fields={"file": "a.csv", "outcome": "planned"}):
        annotate(rows=12)

    at = seen.samples("job_last_success_timestamp_seconds")["job_name=import"]
    assert before <= at <= time()
    (line,) = seen.events("operation")
    span = seen.spans()["import"].context
    assert span is not None
    assert {key: line[key] for key in ("operation", "outcome", "kind", "file", "outcome_", "rows")} == {
        "operation": "import",
        "outcome": "ok",
        "kind": "full",
        "file": "a.csv",
        "outcome_": "planned",
        "rows": 12,
    }
    assert (line["level"], line["span_id"]) == ("info", f"{span.span_id:016x}")


def test_a_job_that_fails_says_so_once_and_has_not_gone_well(seen: "Seen") -> None:
    with pytest.raises(ZeroDivisionError), operation("import"), operation("parse"):
        1 / 0  # noqa: B018 -- the failure is what is wanted

    assert seen.samples("job_last_success_timestamp_seconds") == {}
    (line,) = seen.events("operation")
    assert (line["operation"], line["outcome"], line["level"]) == ("import", "error", "error")
    assert line["exception"]["type"] == "ZeroDivisionError"


def test_within_a_request_fields_and_labels_are_on_its_canonical_event(
    seen: "Seen", ask: Callable[[Any], int]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with operation("charge", labels={"provider": "acme"}, fields={"order": 17}):
            annotate(attempt=2)
        await answer(send)

    assert ask(ObserveMiddleware(app)) == 200

    spans = seen.spans()
    assert spans["charge"].parent == spans["GET"].context
    assert seen.samples("job_last_success_timestamp_seconds") == {}
    (line,) = seen.events("http.request")
    assert (line["provider"], line["order"], line["attempt"]) == ("acme", 17, 2)
    assert seen.events("operation") == []


@pytest.mark.parametrize("name", ["operation", "le", "job", "Provider", "a b", ""])
def test_a_label_that_cannot_be_one_is_an_error_where_it_decorates(name: str) -> None:
    with pytest.raises(ValueError, match="must be snake_case and none of") as told:
        operation("charge", labels={name: "x"})(len)

    assert str(told.value).startswith(f"label {name!r} of an operation")


def test_a_label_that_cannot_be_one_is_a_field_where_code_is_at_work(seen: "Seen") -> None:
    with operation("charge", labels={"le": "acme"}):
        pass

    assert seen.samples(COUNT) == {"operation=charge outcome=ok": 1.0}
    assert (seen.spans()["charge"].attributes or {})["le"] == "acme"
    assert seen.samples("observekit_internal_errors_total") == {"component=operations": 1.0}


def test_label_values_past_the_limit_are_one_series_and_sums_stay_right(begin: Begin) -> None:
    seen = begin(series_limit=100)

    for number in range(300):
        with operation("charge", labels={"order": number}):
            pass

    counted = seen.samples(COUNT)
    assert sum(counted.values()) == 300
    assert len(counted) <= 100
    assert counted["operation=charge order=_overflow outcome=ok"] > 100


def test_without_a_kit_the_code_runs_as_if_nothing_was_there() -> None:
    @operation("add", labels={"kind": "plain"})
    def add(one: int, other: int) -> int:
        return one + other

    with operation("nothing") as span:
        assert not span.is_recording()
    assert add(1, other=2) == 3


def test_without_traces_durations_and_events_are_there(begin: Begin) -> None:
    seen = begin(traces=False)

    with operation("import"):
        assert not trace.get_current_span().get_span_context().is_valid

    assert seen.samples(COUNT) == {"operation=import outcome=ok": 1.0}
    (line,) = seen.events("operation")
    assert "trace_id" not in line


def test_one_object_may_be_open_several_times_at_once(seen: "Seen") -> None:
    shared = operation("shared")

    async def use(inside: asyncio.Event, go: asyncio.Event) -> str:
        with shared as span:
            inside.set()
            await go.wait()
            return format(span.get_span_context().span_id, "016x")

    async def both() -> list[str]:
        inside = [asyncio.Event(), asyncio.Event()]
        go = [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(use(*pair)) for pair in zip(inside, go, strict=True)]
        for one in inside:
            await one.wait()
        go[0].set()  # The first to begin is the first to end.
        first = await tasks[0]
        go[1].set()
        return [first, await tasks[1]]

    ended = asyncio.run(both())

    ids = [format(span.context.span_id, "016x") for span in seen.all_spans() if span.context is not None]
    assert ids == ended


def test_a_sampled_operation_is_an_exemplar_where_spans_are_sent(begin: Begin) -> None:
    seen = begin(traces_endpoint="http://127.0.0.1:9/v1/traces", shutdown_budget_seconds=0.1)

    with operation("charge") as span:
        wanted = f"{span.get_span_context().trace_id:032x}"

    families = {one.name: one for one in seen.kit.registry.collect()}
    shown = [one.exemplar for one in families["operation_duration_seconds"].samples if one.exemplar]
    assert [one.labels["trace_id"] for one in shown] == [wanted]


def test_a_job_shows_how_often_it_has_to_end_well_before_it_ever_has(seen: "Seen") -> None:
    @operation("invoices", every_seconds=86_400)
    def invoices() -> None:
        pass

    assert seen.samples("job_period_seconds")["job_name=invoices"] == 86_400
    assert seen.samples("job_last_success_timestamp_seconds") == {}

    invoices()

    assert list(seen.samples("job_last_success_timestamp_seconds")) == ["job_name=invoices"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "86400"])
def test_a_period_that_is_none_is_an_error_where_it_decorates_and_harms_no_job(
    seen: "Seen", seconds: Any
) -> None:
    with operation("import", every_seconds=seconds):
        pass

    assert "job_name=import" in seen.samples("job_last_success_timestamp_seconds")
    assert "job_name=import" not in seen.samples("job_period_seconds")
    assert seen.samples("observekit_internal_errors_total") == {"component=operations": 1.0}
    with pytest.raises(ConfigError, match=r"^every_seconds of operation 'import' is .*, but must be "):
        operation("import", every_seconds=seconds)(print)


def test_names_made_from_data_cannot_make_a_period_each() -> None:
    periods = Periods()

    told = [periods.declare(f"job-{number}", 60) for number in range(1001)]

    assert (set(told[:1000]), len(periods.shown())) == ({None}, 1000)
    assert told[1000] is not None
    assert told[1000].startswith("operation 'job-1000' is one too many with every_seconds")
