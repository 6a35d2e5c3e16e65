"""The probes over HTTP: the right status and word, nothing for strangers, nothing left behind."""

import asyncio
import json
import re
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from observekit.health.check import Criticality

if TYPE_CHECKING:
    from tests.ops.conftest import Observed

CANARY = "postgresql://admin:hunter2@db.internal/orders"
PROBES = ("/livez", "/readyz", "/startupz")
LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Make = Callable[..., "Observed"]


def _told(observed: "Observed") -> dict[str, tuple[int, str]]:
    answers = {path: observed.client.get(path) for path in PROBES}
    return {path: (answer.status, answer.text) for path, answer in answers.items()}


def test_an_application_without_a_lifespan_is_ready_with_its_first_request(observed: "Observed") -> None:
    before = observed.kit.lifecycle.state

    told = _told(observed)

    assert before == "starting"
    assert told == {"/livez": (200, "ok\n"), "/readyz": (200, "ok\n"), "/startupz": (200, "ok\n")}


def test_while_an_application_starts_it_is_alive_and_not_ready(observed: "Observed") -> None:
    observed.kit.lifecycle.begin_startup()

    assert _told(observed) == {
        "/livez": (200, "ok\n"),
        "/readyz": (503, "starting\n"),
        "/startupz": (503, "starting\n"),
    }


def test_a_draining_process_is_alive_and_asks_for_no_more_traffic(observed: "Observed") -> None:
    observed.client.get("/")

    observed.kit.lifecycle.drain()

    assert _told(observed) == {
        "/livez": (200, "ok\n"),
        "/readyz": (503, "draining\n"),
        "/startupz": (200, "ok\n"),
    }
    assert observed.client.get("/").text == "hello"
    assert observed.client.get("/readyz").headers["retry-after"] == "1"


def test_a_broken_process_fails_every_probe(observed: "Observed") -> None:
    observed.kit.lifecycle.fail("out of memory")

    assert _told(observed) == dict.fromkeys(PROBES, (503, "broken\n"))


def test_a_drain_that_begins_while_checks_run_is_told_at_once(observed: "Observed") -> None:
    observed.kit.readiness("drains")(observed.kit.lifecycle.drain)

    answer = observed.client.get("/readyz")

    assert (answer.status, answer.text) == (503, "draining\n")


def test_liveness_never_asks_what_readiness_asks(observed: "Observed") -> None:
    asked: list[str] = []
    observed.kit.readiness("db")(lambda: asked.append("db"))
    observed.kit.startup("warm-up")(lambda: asked.append("warm-up"))
    observed.kit.liveness("deadlock")(lambda: asked.append("deadlock"))

    observed.client.get("/livez")

    assert asked == ["deadlock"]


def test_a_process_is_not_ready_before_its_start_up_checks_have_passed(observe: Make) -> None:
    observed = observe(check_cache_seconds=0)
    warm: list[bool] = []
    observed.kit.startup("warm-up")(lambda: bool(warm))
    before = _told(observed)

    warm.append(True)
    after = observed.client.get("/readyz")
    warm.clear()

    assert before == {"/livez": (200, "ok\n"), "/readyz": (503, "starting\n"), "/startupz": (503, "failed\n")}
    assert (after.status, after.text) == (200, "ok\n")
    assert _told(observed) == dict.fromkeys(PROBES, (200, "ok\n"))


def test_a_new_life_asks_its_start_up_checks_anew(observe: Make) -> None:
    observed = observe(check_cache_seconds=0)
    answers = iter([True, False])
    observed.kit.startup("warm-up")(lambda: next(answers))
    first = observed.client.get("/startupz")

    observed.kit.lifecycle.stop()
    observed.kit.lifecycle.begin_startup()
    observed.kit.lifecycle.finish_startup("application has started")

    assert (first.status, observed.client.get("/startupz").status) == (200, 503)


@pytest.mark.parametrize(
    ("criticality", "status", "word"),
    [("required", 503, "failed"), ("degraded", 200, "ok"), ("info", 200, "ok")],
)
def test_only_a_required_check_takes_the_instance_out_of_traffic(
    observed: "Observed", criticality: Criticality, status: int, word: str
) -> None:
    observed.kit.add_check("cache", lambda: False, criticality=criticality)

    answer = observed.client.get("/readyz", query=b"verbose")

    assert answer.status == status
    assert re.sub(r"\d+ ms", "n ms", answer.text) == f"[-] cache failed ({criticality}, n ms)\n{word}\n"


def test_a_probe_answers_while_a_check_hangs(observe: Make) -> None:
    observed = observe(check_timeout_seconds=0.05)
    release = Event()
    observed.kit.readiness("hangs")(lambda: release.wait(LONG))
    observed.kit.readiness("fine")(lambda: True)

    answer = observed.client.get("/readyz", query=b"verbose")
    release.set()

    assert answer.status == 503
    assert re.sub(r"\d+ ms", "n ms", answer.text) == (
        "[-] hangs timeout (required, n ms)\n[+] fine ok (required, n ms)\nfailed\n"
    )


@pytest.mark.parametrize("path", [*PROBES, "/readyz/db", "/livez/"])
@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("10.0.0.7", 1), None])
def test_the_text_of_an_exception_is_in_no_answer(
    observed: "Observed", path: str, client: tuple[str, int] | None
) -> None:
    def fails() -> None:
        raise ConnectionError(CANARY)

    observed.kit.readiness("db")(fails)
    observed.kit.liveness("self")(fails)
    observed.kit.startup("warm-up")(fails)

    told = [
        repr(observed.client.get(path, query=query, method=method, client=client))
        for query in (b"", b"verbose", b"verbose=1&exclude=db", b"\xff&%00&verbose")
        for method in ("GET", "HEAD", "POST")
    ]

    assert "hunter2" not in "".join(told)
    assert "Error" not in "".join(told)


@pytest.mark.parametrize(
    ("client", "headers", "told"),
    [
        (("127.0.0.1", 1), (), True),
        (("127.8.9.1", 1), (), True),
        (("::1", 1), (), True),
        (("::ffff:127.0.0.1", 1), (), True),
        (("::1:2:3", 1), (), False),
        (("127.example.org", 1), (), False),
        (("10.0.0.7", 1), (), False),
        (("203.0.113.9", 1), (), False),
        (("testclient", 1), (), False),
        (("", 0), (), False),
        (None, (), False),
        (("127.0.0.1", 1), ((b"x-forwarded-for", b"203.0.113.9"),), False),
        (("127.0.0.1", 1), ((b"forwarded", b"for=203.0.113.9"),), False),
    ],
)
def test_only_a_caller_on_the_host_itself_gets_the_names_of_checks(
    observed: "Observed",
    client: tuple[str, int] | None,
    headers: tuple[tuple[bytes, bytes], ...],
    told: bool,
) -> None:
    observed.kit.readiness("db")(lambda: True)

    answer = observed.client.get("/readyz", query=b"verbose", client=client, headers=headers)

    assert (answer.status, answer.text.endswith("ok\n"), "db" in answer.text) == (200, True, told)


@pytest.mark.parametrize("path", PROBES)
def test_a_head_request_gets_the_headers_and_no_body(observed: "Observed", path: str) -> None:
    got, head = observed.client.get(path), observed.client.get(path, method="HEAD")

    assert head.body == b""
    assert (head.status, head.headers) == (got.status, got.headers)
    assert got.headers == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "3",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "_"])
@pytest.mark.parametrize("path", [*PROBES, "/metrics"])
def test_another_method_is_refused_and_asks_nothing(observed: "Observed", path: str, method: str) -> None:
    asked: list[str] = []
    observed.kit.readiness("db")(lambda: asked.append("db"))

    answer = observed.client.get(path, method=method)

    assert (answer.status, answer.text, asked) == (405, "use GET or HEAD\n", [])
    assert (answer.headers["allow"], answer.headers["cache-control"]) == ("GET, HEAD", "no-store")


def test_an_endpoint_that_fails_answers_500_and_is_counted(observed: "Observed") -> None:
    observed.kit.engine._checks = cast("Any", None)  # A mistake of ours, whatever it is.

    answer = observed.client.get("/livez")

    assert (answer.status, answer.text) == (500, "observekit failed, see its log\n")
    assert 'observekit_internal_errors_total{component="health"} 1.0' in observed.client.get("/metrics").text


def test_paths_can_be_moved_and_turned_off(observe: Make) -> None:
    observed = observe(readiness_path="/internal/ready", startup_path=None)

    told = {
        path: observed.client.get(path).text for path in ("/internal/ready", "/readyz", "/startupz", "/livez")
    }

    assert told == {"/internal/ready": "ok\n", "/readyz": "hello", "/startupz": "hello", "/livez": "ok\n"}


def test_a_hundred_probes_of_two_paths_at_once_run_each_check_once(observed: "Observed") -> None:
    asked: list[str] = []
    observed.kit.readiness("db")(lambda: asked.append("db"))
    observed.kit.liveness("self")(lambda: asked.append("self"))

    async def herd() -> set[int]:
        paths = ["/readyz", "/livez"] * 50
        answers = await asyncio.gather(*[observed.client.ask(path) for path in paths])
        return {answer.status for answer in answers}

    assert asyncio.run(herd(), debug=True) == {200}
    assert sorted(asked) == ["db", "self"]


def test_probes_are_neither_logged_nor_traced(observe: Make, capfd: pytest.CaptureFixture[str]) -> None:
    # Not to be told of a loop that is late on a busy machine.
    observed = observe(logs="own", log_format="json", traces=True, runtime=False)
    spans = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(spans))

    for path in (*PROBES, "/metrics") * 5:
        for method in ("GET", "HEAD", "POST"):
            observed.client.get(path, method=method)
    observed.client.get("/item")
    observed.kit.shutdown()

    events = [json.loads(line)["event"] for line in capfd.readouterr().out.splitlines()]
    assert events == ["observekit.started", "lifecycle.changed", "http.request", "lifecycle.changed"]
    assert [span.name for span in spans.get_finished_spans()] == ["GET"]


def test_a_check_is_logged_when_its_result_changes_and_not_otherwise(
    observe: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own", log_format="json", check_cache_seconds=0)
    answers = iter([True, True, False, False, True])
    observed.kit.readiness("db")(lambda: next(answers))

    for _ in range(5):
        observed.client.get("/readyz")
    observed.kit.shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    told = [
        (one["was"], one["status"], one["level"]) for one in lines if one["event"] == "health.check_changed"
    ]
    assert told == [(None, "ok", "info"), ("ok", "failed", "warning"), ("failed", "ok", "info")]
