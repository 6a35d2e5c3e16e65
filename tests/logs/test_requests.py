"""What a real server leaves on standard output: one shape, one event for each request, ids on every line."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Serve = Callable[..., Any]

SERVICE = Path(__file__).with_name("service.py")
STARTS = {
    "uvicorn from the command line": {},
    "uvicorn.run after setup": {"command": [sys.executable, str(SERVICE)]},
}


@pytest.fixture(params=STARTS)
def served(request: pytest.FixtureRequest, serve: Serve) -> Any:
    return serve(stdout=subprocess.PIPE, stderr=subprocess.PIPE, **STARTS[request.param])


def left_behind(service: Any) -> tuple[list[dict[str, Any]], bytes]:
    """End *service* and return its records and what it wrote to standard error."""
    service.process.terminate()
    out, err = service.process.communicate(timeout=10)
    return [json.loads(line) for line in out.splitlines()], err


def of(records: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [record for record in records if record["event"] == event]


@pytest.mark.timeout(60)
def test_every_line_of_the_server_takes_our_shape(served: Any) -> None:
    served.client.get("/both", params={"token": "canary"})

    records, err = left_behind(served)
    messages = [record["event"] for record in records if record["logger"] == "uvicorn.error"]
    assert (err, "canary" in str(records)) == (b"", False)
    assert [record for record in records if record["logger"] == "uvicorn.access"] == []
    assert [message.split(" ")[0] for message in messages] == [
        "Started",
        "Waiting",
        "Application",
        "Uvicorn",
        "Shutting",
        "Waiting",
        "Application",
        "Finished",
    ]
    assert {
        key for record in records for key in ("timestamp", "level", "event", "logger", "service")
    } <= set.intersection(*(set(record) for record in records))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", ["/both", "/pool", "/to_thread"])
def test_every_line_of_a_request_has_the_ids_of_its_event(serve: Serve, path: str) -> None:
    service = serve(stdout=subprocess.PIPE)

    service.client.get(path)

    records, _ = left_behind(service)
    (request,) = of(records, "http.request")
    ids = {key: request[key] for key in ("trace_id", "span_id", "trace_flags")}
    lines = [record for record in records if record["event"].startswith("from")]
    assert len(lines) == (2 if path == "/both" else 1)
    assert [{key: line.get(key) for key in ids} for line in lines] == [ids] * len(lines)
    assert [
        record for record in records if record["logger"] == "uvicorn.error" and "trace_id" in record
    ] == []


@pytest.mark.timeout(60)
def test_context_variables_extra_and_annotations_are_kept(serve: Serve) -> None:
    service = serve(stdout=subprocess.PIPE)

    service.client.get("/both")
    service.client.get("/pool")

    records, _ = left_behind(service)
    (first,), (second,), (pool,) = (
        of(records, "from.structlog"),
        of(records, "from stdlib"),
        of(records, "from.pool"),
    )
    assert (first["user"], second["user"], second["order"], "user" in pool) == ("u-1", "u-1", "a-12", False)
    assert [record.get("order") for record in of(records, "http.request")] == ["a-12", None]


@pytest.mark.timeout(60)
def test_each_request_leaves_one_event_however_it_ends(serve: Serve) -> None:
    service = serve(stdout=subprocess.PIPE)

    service.client.get("/both")
    service.client.get("/nowhere")
    service.client.get("/boom")
    with pytest.raises(httpx.TimeoutException):
        # On a connection of its own: a server closes one on which a request failed.
        httpx.get(service.client.base_url.join("/hang"), timeout=0.3)

    records, _ = left_behind(service)
    events = [
        (record["url_path"], record["http_response_status_code"], record["outcome"], record["level"])
        for record in of(records, "http.request")
    ]
    assert events == [
        ("/both", 200, "ok", "info"),
        ("/nowhere", 404, "client_error", "info"),
        ("/boom", 500, "server_error", "error"),
        ("/hang", None, "aborted", "warning"),
    ]


@pytest.mark.timeout(60)
def test_an_exception_is_told_without_locals_in_every_line_that_has_it(serve: Serve) -> None:
    service = serve(stdout=subprocess.PIPE)

    service.client.get("/boom")

    records, _ = left_behind(service)
    told = [record["exception"] for record in records if "exception" in record]
    assert {(one["type"], one["message"]) for one in told} == {("RuntimeError", "boom")}
    assert "canary" not in str(told)


@pytest.mark.timeout(60)
def test_probes_and_scrapes_that_succeed_are_not_logged(serve: Serve) -> None:
    service = serve(stdout=subprocess.PIPE)

    statuses = [
        service.client.get(path).status_code for path in ("/livez", "/readyz", "/startupz", "/metrics")
    ]

    records, _ = left_behind(service)
    assert (statuses, of(records, "http.request")) == ([200] * 4, [])


@pytest.mark.timeout(60)
def test_a_server_without_lifespan_takes_our_shape_too(serve: Serve) -> None:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "service:app",
        "--app-dir",
        str(SERVICE.parent),
        "--lifespan",
        "off",
    ]
    service = serve(stdout=subprocess.PIPE, stderr=subprocess.PIPE, command=command)

    service.client.get("/both")

    records, err = left_behind(service)
    assert (err, len(of(records, "http.request"))) == (b"", 1)


@pytest.mark.once
@pytest.mark.timeout(60)
def test_without_a_layer_the_servers_access_line_stays_and_sigterm_costs_no_line_but_the_last(
    serve: Serve, strict: Callable[[bytes | str], Any]
) -> None:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "plain_wsgi:app",
        "--interface",
        "wsgi",
        "--app-dir",
        str(SERVICE.parent),
    ]
    service = serve(command=command, stdout=subprocess.PIPE)

    service.client.get("/orders?token=CANARY")
    lines = [strict(service.process.stdout.readline())]
    while "/orders" not in lines[-1]["event"]:
        lines.append(strict(service.process.stdout.readline()))

    # Nobody tells us of the end: uvicorn ends itself by the signal, and what has not been written is lost.
    assert service.stop() == -signal.SIGTERM
    lines += [strict(line) for line in service.process.stdout.readlines()]
    access = [one for one in lines if one["logger"] == "uvicorn.access"]
    assert [one["event"].partition(" - ")[2] for one in access] == [
        '"GET /readyz HTTP/1.1" 200',
        '"GET /orders HTTP/1.1" 200',
    ]
    assert ("CANARY" in str(lines), [one for one in lines if one["event"] == "http.request"]) == (False, [])
