"""The cases of W3C's own suite for Trace Context (levels 1 and 2), against a service that asks another.

The cases are those of w3c/trace-context, test/test.py, by their names there; the code is not. Those of keys
in tracestate are as they were changed on 2026-06-29, to the grammar of level 2. Each sends headers, byte by
byte, to a real server with an observed application, which asks a second one through httpx; what arrives there
is judged.
"""

import asyncio
import re
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from observekit import instrument, setup
from tests.often import SHARED

LONG = 30.0
TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
VALID = f"00-{TRACE}-{SPAN}-01"
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

Headers = list[tuple[str, str]]


class Asked(NamedTuple):
    """What the service sent on: trace ids and span ids in order, and the members of tracestate."""

    traces: list[str]
    spans: list[str]
    state: dict[str, str]


class Relay:
    """A service that asks a sink as often as it is told to."""

    def __init__(self) -> None:
        self.arrived: list[list[tuple[str, str]]] = []
        relay = self

        class Sink(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                relay.arrived.append([(name.lower(), value) for name, value in self.headers.items()])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        self._kit = setup(registry=CollectorRegistry(), logs="off")
        app = Starlette(routes=[Route("/{count:int}", self._ask)])
        instrument(app)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        self._threads = [
            Thread(target=self._sink.serve_forever, kwargs={"poll_interval": 0.01}),
            Thread(target=lambda: asyncio.run(self._server.serve(sockets=[self._socket]))),
        ]
        for thread in self._threads:
            thread.start()

    async def _ask(self, request: Request) -> Response:
        async with httpx.AsyncClient(timeout=LONG) as client:
            for _ in range(request.path_params["count"]):
                await client.get(f"http://127.0.0.1:{self._sink.server_address[1]}/")
        return Response(status_code=204)

    def send(self, headers: Headers, count: int = 1) -> Asked:
        """Send *headers* as they are, and return what the service sent on."""
        self.arrived.clear()
        connection = HTTPConnection("127.0.0.1", self._socket.getsockname()[1], timeout=LONG)
        connection.putrequest("GET", f"/{count}")
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        assert connection.getresponse().status == 204
        connection.close()
        return self._read(count)

    def _read(self, count: int) -> Asked:
        parents = [[value for name, value in one if name == "traceparent"] for one in self.arrived]
        assert [len(one) for one in parents] == [1] * count
        found = [TRACEPARENT.fullmatch(one[0]) for one in parents]
        ids = [(one[1], one[2]) for one in found if one is not None]
        assert len(ids) == count, parents
        assert "0" * 32 not in {trace for trace, _ in ids}
        assert "0" * 16 not in {span for _, span in ids}
        members = [
            member.strip(" \t").partition("=")[::2]
            for name, value in self.arrived[0]
            if name == "tracestate"
            for member in value.split(",")
        ]
        assert len(dict(members)) == len(members)
        return Asked([trace for trace, _ in ids], [span for _, span in ids], dict(members))

    def stop(self) -> None:
        self._server.should_exit = True
        self._sink.shutdown()
        for thread in self._threads:
            thread.join(LONG)
        self._sink.server_close()
        self._socket.close()
        self._kit.shutdown()


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """One service for all cases."""
    made = Relay()
    yield made
    made.stop()


def parents(*values: str) -> list[Headers]:
    return [[("traceparent", value)] for value in values]


CONTINUED: dict[str, list[Headers]] = {
    "traceparent_included_tracestate_missing": parents(VALID),
    "traceparent_header_name_valid_casing": [
        [(name, VALID)] for name in ("TraceParent", "TrAcEpArEnT", "TRACEPARENT")
    ],
    "traceparent_version_0xcc": parents(f"cc{VALID[2:]}", f"cc{VALID[2:]}-what-the-future-will-be-like"),
    "traceparent_ows_handling": parents(
        f" {VALID}", f"\t{VALID}", f"{VALID} ", f"{VALID}\t", f"\t {VALID} \t"
    ),
}
REFUSED: dict[str, list[Headers]] = {
    "traceparent_duplicated": [[("traceparent", VALID), ("traceparent", VALID.replace("2-", "1-", 1))]],
    "traceparent_header_name": [[("trace-parent", VALID)], [("trace.parent", VALID)]],
    "traceparent_version_0x00": parents(f"{VALID}.", f"{VALID}-what-the-future-will-be-like"),
    "traceparent_version_0xcc": parents(f"cc{VALID[2:]}.what-the-future-will-be-like"),
    "traceparent_version_0xff": parents(f"ff{VALID[2:]}"),
    "traceparent_version_illegal_characters": parents(f".0{VALID[2:]}", f"0.{VALID[2:]}"),
    "traceparent_version_too_long": parents(f"0{VALID}", f"00{VALID}"),
    "traceparent_version_too_short": parents(VALID[1:]),
    "traceparent_trace_id_all_zero": parents(f"00-{'0' * 32}-{SPAN}-01"),
    "traceparent_trace_id_illegal_characters": parents(
        f"00-.{TRACE[1:]}-{SPAN}-01", f"00-{TRACE[:-1]}.-{SPAN}-01"
    ),
    "traceparent_trace_id_too_long": parents(f"00-{TRACE}3-{SPAN}-01"),
    "traceparent_trace_id_too_short": parents(f"00-{TRACE[:-1]}-{SPAN}-01"),
    "traceparent_parent_id_all_zero": parents(f"00-{TRACE}-{'0' * 16}-01"),
    "traceparent_parent_id_illegal_characters": parents(
        f"00-{TRACE}-.{SPAN[1:]}-01", f"00-{TRACE}-{SPAN[:-1]}.-01"
    ),
    "traceparent_parent_id_too_long": parents(f"00-{TRACE}-{SPAN}7-01"),
    "traceparent_parent_id_too_short": parents(f"00-{TRACE}-{SPAN[:-1]}-01"),
    "traceparent_trace_flags_illegal_characters": parents(f"00-{TRACE}-{SPAN}-.0", f"00-{TRACE}-{SPAN}-0."),
    "traceparent_trace_flags_too_long": parents(f"00-{TRACE}-{SPAN}-001"),
    "traceparent_trace_flags_too_short": parents(f"00-{TRACE}-{SPAN}-1"),
    "both_traceparent_and_tracestate_missing": [[]],
    "tracestate_included_traceparent_missing": [[("tracestate", "foo=1")], [("tracestate", "foo=1,bar=2")]],
}


@pytest.mark.parametrize("case", CONTINUED)
def test_a_trace_is_continued_under_a_new_span(relay: Relay, case: str) -> None:
    for headers in CONTINUED[case]:
        asked = relay.send(headers)

        assert asked.traces == [TRACE]
        assert asked.spans != [SPAN]


@pytest.mark.parametrize("case", REFUSED)
def test_a_new_trace_begins_and_has_no_state(relay: Relay, case: str) -> None:
    for headers in REFUSED[case]:
        asked = relay.send(headers)

        assert asked.traces != [TRACE]
        assert asked.state == {}


KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE = "".join(map(chr, [*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F)]))
MEMBERS = [f"bar{number:02}={number:02}" for number in range(1, 34)]
ROWS = [",".join(MEMBERS[start : start + 10]) for start in (0, 10, 20)]
TENANT = "t" * 241 + "@" + "v" * 14
STATES: dict[str, list[tuple[list[str], dict[str, str]]]] = {
    "tracestate_included_traceparent_included": [(["foo=1,bar=2"], {"foo": "1", "bar": "2"})],
    "tracestate_empty_header": [([""], {}), (["foo=1", ""], {"foo": "1"}), (["", "foo=1"], {"foo": "1"})],
    "tracestate_multiple_headers_different_keys": [
        (
            ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            {"foo": "1", "bar": "2", "rojo": "1", "congo": "2", "baz": "3"},
        )
    ],
    "tracestate_duplicated_keys": [
        (values, {}) for values in (["foo=1,foo=1"], ["foo=1,foo=2"], ["foo=1", "foo=1"], ["foo=1", "foo=2"])
    ],
    "tracestate_all_allowed_characters": [
        ([f"{key}={VALUE}"], {key: VALUE}) for key in (KEY, f"{KEY}@a-z0-9_-*/")
    ],
    "tracestate_ows_handling": [
        (["foo=1 \t , \t bar=2, \t baz=3"], {"foo": "1", "bar": "2", "baz": "3"}),
        (["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], {"foo": "1", "bar": "2", "baz": "3"}),
        *(([text], {"foo": "1"}) for text in (" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t")),
    ],
    "tracestate_key_illegal_characters": [([text], {}) for text in ("foo =1", "FOO=1", "foo.bar=1")],
    "tracestate_key_illegal_vendor_format": [
        *(([f"{key}=1,bar=2"], {key: "1", "bar": "2"}) for key in ("foo@", "foo@@bar", "foo@bar@baz")),
        (["@foo=1,bar=2"], {}),
    ],
    "tracestate_member_count_limit": [
        ([*ROWS, ",".join(MEMBERS[30:32])], {text[:5]: text[6:] for text in MEMBERS[:32]}),
        ([*ROWS, ",".join(MEMBERS[30:])], {}),
    ],
    "tracestate_key_length_limit": [
        (["foo=1", f"{'z' * 256}=1"], {"foo": "1", "z" * 256: "1"}),
        (["foo=1", f"{'z' * 257}=1"], {}),
        (["foo=1", f"{TENANT}=1"], {"foo": "1", TENANT: "1"}),
        (["foo=1", f"{'t' * 242}@v=1"], {"foo": "1", f"{'t' * 242}@v": "1"}),
        (["foo=1", f"t@{'v' * 15}=1"], {"foo": "1", f"t@{'v' * 15}": "1"}),
    ],
    "tracestate_value_illegal_characters": [(["foo=bar=baz"], {}), (["foo=,bar=3"], {})],
}


@pytest.mark.parametrize("case", STATES)
def test_a_state_goes_on_in_its_order_or_not_at_all(relay: Relay, case: str) -> None:
    for values, state in STATES[case]:
        asked = relay.send([("traceparent", f"{VALID[:-1]}0"), *(("tracestate", value) for value in values)])

        assert asked.traces == [TRACE]
        assert list(asked.state.items()) == list(state.items())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("TraceState", True),
        ("TrAcEsTaTe", True),
        ("TRACESTATE", True),
        ("trace-state", False),
        ("trace.state", False),
    ],
)
def test_tracestate_header_name_and_its_valid_casing(relay: Relay, name: str, kept: bool) -> None:
    asked = relay.send([("traceparent", VALID), (name, "foo=1")])

    assert asked.state == ({"foo": "1"} if kept else {})


@pytest.mark.parametrize(
    ("case", "headers", "continued"),
    [
        ("multiple_requests_with_valid_traceparent", [("traceparent", VALID)], True),
        ("multiple_requests_without_traceparent", [], False),
        ("multiple_requests_with_illegal_traceparent", [("traceparent", f"00-{'0' * 32}-{SPAN}-01")], False),
    ],
)
def test_several_requests_have_one_trace_and_a_span_each(
    relay: Relay, case: str, headers: Headers, continued: bool
) -> None:
    asked = relay.send(headers, 3)

    assert len(set(asked.traces)) == 1
    assert (asked.traces[0] == TRACE) is continued
    assert len(set(asked.spans)) == 3


text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80)
near = st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-x)?", fullmatch=True)


@settings(max_examples=25, deadline=None, suppress_health_check=SHARED)
@given(st.lists(near | text, max_size=2), st.lists(text, max_size=2))
def test_whatever_comes_in_one_valid_context_goes_out(
    relay: Relay, given_parents: list[str], states: list[str]
) -> None:
    relay.send(
        [
            *(("traceparent", value) for value in given_parents),
            *(("tracestate", value) for value in states),
        ]
    )
