"""The line that is put together from bytes says what the encoded record says, whatever a client sends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.catalogue.metrics import COMPONENTS
from observekit.guard import Guard
from observekit.http.event import RequestLog, log_request
from observekit.http.exchange import Exchange
from observekit.logs.console import Console
from observekit.logs.encoder import encode
from observekit.logs.pipeline import Encode, Pipeline

IDS = {"trace_id": "ab" * 16, "span_id": "cd" * 8, "trace_flags": "01"}
PATHS = st.one_of(
    st.sampled_from(
        [
            "/",
            "/items/1",
            "/a%20b/(c)",
            "/login?password=x",
            '/"',
            "/\\",
            "/://u:p@h",
            "/é\u2028",
            "/cards/4111111111111111",
            "/reset/eyJhbGciOiJI.eyJzdWIiOiIx.abc",
        ]
    ),
    st.text(max_size=30).map(lambda text: f"/{text}"),
)
HOSTS = st.one_of(
    st.sampled_from(["127.0.0.1", "::1", "fe80::1%eth0", 'a"b', "token=x"]), st.text(max_size=9)
)
FIELDS = st.dictionaries(
    st.sampled_from(["user", "outcome", "http_route", "trace_id", "level", "password", "reason"]),
    st.one_of(st.integers(), st.text(max_size=9), st.none(), st.floats(), st.lists(st.text(max_size=3))),
)


class Written:
    """A pipeline whose lines are kept."""

    def __init__(self, encoder: Encode = encode) -> None:
        self.lines: list[bytes] = []
        self.levels: list[str] = []
        self.guard = Guard(COMPONENTS)
        self.pipeline = Pipeline("service", encoder, self.lines.append, self.levels.append, self.guard)

    def records(self) -> list[dict[str, Any]]:
        """Return the records without what differs between two of the same event."""
        return [{**json.loads(line), "timestamp": "now"} for line in self.lines]


async def nothing(*_: object) -> Any:
    raise AssertionError


def closed(path: str, status: int | None, fields: dict[str, Any], first_byte: float | None) -> Exchange:
    exchange = Exchange(nothing, nothing)
    exchange.path = path
    exchange.status, exchange.fields, exchange.bytes = status, fields, 7
    exchange.first_byte = None if first_byte is None else exchange.started + first_byte
    exchange.ended = exchange.started + 0.25
    exchange._complete = True
    exchange.close()
    return exchange


@given(
    path=PATHS,
    host=st.one_of(st.none(), HOSTS),
    method=st.sampled_from(["GET", "POST", "BREW", 'G"T']),
    status=st.sampled_from([200, 204, 404, 500, None]),
    first_byte=st.one_of(st.none(), st.floats(0, 10)),
    fields=FIELDS,
    ids=st.sampled_from([IDS, {}]),
)
def test_both_ways_of_writing_the_event_write_the_same(  # noqa: PLR0913, PLR0917 -- the facts of a request
    path: str,
    host: str | None,
    method: str,
    status: int | None,
    first_byte: float | None,
    fields: dict[str, Any],
    ids: dict[str, str],
) -> None:
    scope = {"method": method, "client": None if host is None else (host, 1)}
    exchange = closed(path, status, fields, first_byte)
    encoded, prepared = Written(), Written()
    log = RequestLog(prepared.pipeline)

    log_request(encoded.pipeline, scope, exchange, "/r/{x}", ids)
    log.write(scope, exchange, "/r/{x}", ids)
    log.write(scope, exchange, "/r/{x}", ids)  # The second time from what was kept.

    assert prepared.records() == encoded.records() * 2
    assert prepared.levels == encoded.levels * 2
    assert all(line.endswith(b"}\n") and line.count(b"\n") == 1 for line in prepared.lines)


def test_an_event_is_prepared_once_for_each_kind_of_request() -> None:
    written = Written()
    log = RequestLog(written.pipeline)

    for number in range(50):
        log.write({"method": "GET"}, closed(f"/{number}", 200, {}, None), "/{n}", IDS)
        log.write({"method": f"M{number}"}, closed("/", 200, {}, None), "/{n}", IDS)

    assert len(log._prepared) == 1
    assert len(written.lines) == 100


def test_a_console_shows_a_request_as_a_sentence() -> None:
    written = Written(Console(colors=False))

    RequestLog(written.pipeline).write({"method": "GET"}, closed("/", 200, {}, None), "/", IDS)

    (line,) = written.lines
    assert b" GET / 200 in 250.0 ms " in line
    assert not line.startswith(b"{")


@pytest.mark.parametrize("secret", ["hunter2", "s3cr3t"])
def test_an_annotated_secret_is_in_neither_line(secret: str) -> None:
    written = Written()

    RequestLog(written.pipeline).write(
        {"method": "GET"}, closed("/", 200, {"password": secret}, None), "/", IDS
    )

    assert secret.encode() not in b"".join(written.lines)
