"""What a person at a terminal reads: aligned lines, requests as sentences, tracebacks with own code first."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from observekit.logs.console import Console
from observekit.logs.encoder import LINE_BYTES
from observekit.logs.tracebacks import traceback_lines

HERE = Path(__file__).name
DEADLINE_SECONDS = 40.0
LINE = {"timestamp": "2026-01-02T03:04:05.000006Z", "level": "info", "event": "x", "logger": "shop"}
IDS = {"trace_id": "ab" * 16, "span_id": "cd" * 8, "trace_flags": "01"}
REQUEST = {
    "http_request_method": "GET",
    "http_route": "/orders/{id}",
    "url_path": "/orders/7",
    "http_response_status_code": 200,
    "outcome": "ok",
    "duration_seconds": 0.0123,
    "time_to_first_byte_seconds": 0.0121,
    "response_bytes": 2,
    "client_address": "10.0.0.1",
}
SOCKET = {
    "http_route": "/live",
    "url_path": "/live",
    "http_response_status_code": 101,
    "websocket_close_code": 1000,
    "closed_by": "peer",
    "outcome": "ok",
    "duration_seconds": 90.0,
    "messages_sent": 3,
}


@pytest.fixture
def trial(make_trial: Callable[..., Any]) -> Any:
    return make_trial(Console(colors=False))


def only_line(trial: Any) -> str:
    (line,) = trial.lines
    return re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "TIME", line.decode())


def test_a_line_has_time_level_event_fields_and_logger(trial: Any) -> None:
    trial.log.warning("order.placed", order="a 12", items=3, note="", who={"id": 1})

    assert only_line(trial) == (
        f'TIME warning  {"order.placed":<36} order="a 12" items=3 note="" who={{"id":1}} [shop.orders]\n'
    )


def test_a_line_of_a_request_ends_with_what_leads_to_its_trace(trial: Any) -> None:
    trial.pipeline.emit("info", "x", {}, logger="shop", ids=IDS)

    assert only_line(trial) == f"TIME info     {'x':<36} [shop] trace_id={IDS['trace_id']}\n"


@pytest.mark.parametrize(
    ("event", "fields", "shown"),
    [
        (
            "http.request",
            REQUEST | {"customer": 7},
            (
                f"{'GET /orders/7 200 in 12.3 ms':<36} http_route=/orders/{{id}} response_bytes=2 "
                "client_address=10.0.0.1 customer=7"
            ),
        ),
        (
            "http.request",
            REQUEST
            | {"http_route": "/orders/7", "http_response_status_code": None, "outcome": "aborted"}
            | {"duration_seconds": 2.5, "reason": "client_disconnect"},
            (
                f"{'GET /orders/7 - aborted in 2.50 s':<36} time_to_first_byte_seconds=0.0121 "
                "response_bytes=2 client_address=10.0.0.1 reason=client_disconnect"
            ),
        ),
        (
            "websocket.connection",
            SOCKET,
            f"{'WS /live closed with 1000 after 1.5 min':<36} closed_by=peer messages_sent=3",
        ),
        (
            "websocket.connection",
            SOCKET | {"websocket_close_code": None, "http_response_status_code": 403},
            f"{'WS /live refused with 403 after 1.5 min':<36} closed_by=peer messages_sent=3",
        ),
    ],
    ids=["answered", "aborted", "socket", "refused"],
)
def test_a_canonical_event_is_a_sentence(
    trial: Any, event: str, fields: dict[str, object], shown: str
) -> None:
    trial.pipeline.emit("info", event, fields, logger="observekit.http", ids={})

    assert only_line(trial) == f"TIME info     {shown}\n"


def test_an_event_of_the_same_name_that_is_not_ours_is_shown_as_it_is(trial: Any) -> None:
    trial.log.info("http.request", **REQUEST)

    assert "http_request_method=GET" in only_line(trial)


def test_an_exception_is_shown_with_its_own_code_its_cause_and_the_members_of_its_group(trial: Any) -> None:
    def reserve() -> None:
        raise KeyError("tea")

    noted = OSError("noted")
    noted.add_note("a note")
    try:
        try:
            reserve()
        except KeyError as error:
            raise ExceptionGroup("two", [ValueError("a"), noted]) from error
    except ExceptionGroup as error:
        trial.log.exception("x", exc_info=error)

    shown = [re.sub(r"\S*" + HERE + r":\d+", "HERE", line) for line in only_line(trial).splitlines()[1:]]
    test = "test_an_exception_is_shown_with_its_own_code_its_cause_and_the_members_of_its_group"
    assert shown == [
        "  ExceptionGroup: two (2 sub-exceptions)",
        f"    HERE in {test}",
        '        raise ExceptionGroup("two", [ValueError("a"), noted]) from error',
        "    1 of 2: ValueError: a",
        "    2 of 2: OSError: noted",
        "      a note",
        "  caused by KeyError: 'tea'",
        f"    HERE in {test}",
        "        reserve()",
        f"    HERE in {test}.<locals>.reserve",
        '        raise KeyError("tea")',
    ]


def test_source_code_is_shown_without_its_secrets(trial: Any) -> None:
    try:
        int("password=canary"[20:])
    except ValueError:
        trial.log.exception("x")

    shown = only_line(trial)
    assert ('int("password=[redacted]' in shown, "canary" in shown) == (True, False)


def test_a_record_takes_no_more_room_than_a_line_of_json_may(trial: Any) -> None:
    frames = [f"{__file__}:{number} in f" for number in range(1, 51)]
    causes = [{"type": "E", "message": "m" * 4000, "frames": frames} for _ in range(8)]
    error = {"type": "E", "message": "m", "frames": frames, "caused_by": causes}

    trial.log.info("order.placed", **{f"key_{number}": "\x00" * 4000 for number in range(12)}, last=1)
    painted = Console(colors=True)({**LINE, "code": ["\x00" * 1000] * 90, "exception": error})

    assert [len(text) <= LINE_BYTES for text in (trial.lines[0], painted)] == [True, True]
    assert (" last=1 " in only_line(trial), b"E: m\n" in painted.replace(b"\x1b[0m", b"")) == (True, True)


def test_calls_of_libraries_in_a_row_are_one_line_but_for_the_last() -> None:
    frames = [
        "/v/site-packages/starlette/routing.py:1 in a",
        "/v/site-packages/starlette/routing.py:2 in b",
        "/v/site-packages/six.py:3 in c",
        "/shop/app.py:4 in mine",
        f"{os.__file__}:5 in d",
        "<3 more left out>",
        "/v/site-packages/httpx/client.py:6 in e",
    ]

    told = list(traceback_lines({"type": "ValueError", "message": "no", "frames": frames}))

    assert told == [
        ("title", 1, "ValueError: no"),
        ("other", 2, "… 3 calls in starlette, six"),
        ("own", 2, "/shop/app.py:4 in mine"),
        ("other", 2, "… 1 call in python"),
        ("other", 2, "<3 more left out>"),
        ("other", 2, "/v/site-packages/httpx/client.py:6 in e"),
    ]


def test_colors_end_where_they_began_and_change_nothing_else(make_trial: Callable[..., Any]) -> None:
    plain, painted = make_trial(Console(colors=False)), make_trial(Console(colors=True))
    for trial in (plain, painted):
        trial.pipeline.emit("error", "x", {"key": "v"}, ids=IDS, error=ValueError("no"), seconds=1.0)

    text = painted.lines[0].decode()
    codes = re.findall("\x1b\\[([0-9;]+)m", text)
    assert re.sub("\x1b\\[[0-9;]+m", "", text) == plain.lines[0].decode()
    assert (codes[1::2], "0" in codes[::2]) == (["0"] * (len(codes) // 2), False)


SCRIPT = "from observekit import setup; setup(traces=False, log_format='console').shutdown()"


def written(environment: dict[str, str]) -> bytes:
    """Return what a process says at its start to a terminal."""
    ours, terminal = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, stdout=terminal) as process:
        os.close(terminal)
        said = b""
        # An OSError is how Linux says that the other end of a terminal is closed.
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                said += piece
        assert process.wait(DEADLINE_SECONDS) == 0
    os.close(ours)
    return said


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "OBSERVEKIT_LOG_COLORS": "always"}, True),
    ],
    ids=str,
)
def test_a_terminal_shows_colors_unless_somebody_wants_none(
    variables: dict[str, str], *, colored: bool
) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    said = written(environ | {"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""} | variables)

    assert (b"observekit.started" in said, b"\x1b[" in said) == (True, colored)


@pytest.mark.parametrize(("force", "colored"), [("", False), ("1", True)])
def test_what_is_no_terminal_shows_none_unless_it_is_forced(
    run_script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, force: str, *, colored: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR", force)
    monkeypatch.delenv("NO_COLOR", raising=False)

    ended = run_script(
        "kit.shutdown()\n"
        "import contextlib, io, json\n"
        "read, write = os.pipe()\n"
        "kept = os.dup(1); os.dup2(write, 1); os.close(write)\n"
        "setup(traces=False, log_format='console').shutdown()\n"
        "os.dup2(kept, 1)\n"
        "print(json.dumps({'logger': 'seen', 'event': os.read(read, 65536).decode()}))\n"
    )

    (seen,) = [line["event"] for line in ended.lines if line["logger"] == "seen"]
    assert ("observekit.started" in seen, "\x1b[" in seen) == (True, colored)
