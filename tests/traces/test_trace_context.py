"""W3C Trace Context is read to the letter; the cases are those of the official test-suite, and a property."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span

from observekit.http.headers import HeaderPicker
from observekit.traces.propagation import HeaderGetter, TraceContext, read_traceparent, read_tracestate

TRACE = "12345678901234567890123456789012"
SPAN = "1234567890123456"
VALID = f"00-{TRACE}-{SPAN}-01"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE = "".join(map(chr, [*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F)]))


def extract(*headers: tuple[str, str]) -> tuple[str, str, int, str] | None:
    """Return trace id, span id, flags and state as read from the headers of a request."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    picked = HeaderPicker(frozenset(TraceContext().fields)).pick({"headers": raw})
    found = get_current_span(TraceContext().extract(picked, None, HeaderGetter())).get_span_context()
    if not found.is_valid:
        return None
    assert found.is_remote
    ids = f"{found.trace_id:032x}", f"{found.span_id:016x}"
    return *ids, int(found.trace_flags), found.trace_state.to_header()


CONTINUED = {
    "sampled": (VALID, 1),
    "not sampled": (f"00-{TRACE}-{SPAN}-00", 0),
    "random": (f"00-{TRACE}-{SPAN}-03", 3),
    "unknown flags": (f"00-{TRACE}-{SPAN}-ff", 3),
    "unknown flags only": (f"00-{TRACE}-{SPAN}-fc", 0),
    "of the future": (f"cc-{TRACE}-{SPAN}-01", 1),
    "of the future with more": (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
    "of the future with an end": (f"cc-{TRACE}-{SPAN}-01-", 1),
    "after a space": (f" {VALID}", 1),
    "after a tab": (f"\t{VALID}", 1),
    "before a space": (f"{VALID} ", 1),
    "between tabs and spaces": (f"\t {VALID} \t", 1),
}


@pytest.mark.parametrize(("header", "flags"), CONTINUED.values(), ids=CONTINUED)
def test_a_valid_traceparent_is_continued(header: str, flags: int) -> None:
    assert extract(("traceparent", header)) == (TRACE, SPAN, flags, "")


REFUSED = {
    "empty": "",
    "a point after version 00": f"{VALID}.",
    "more after version 00": f"{VALID}-what-the-future-will-be-like",
    "a dash after version 00": f"{VALID}-",
    "a point after a version of the future": f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like",
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "version .0": f".0-{TRACE}-{SPAN}-01",
    "version 0.": f"0.-{TRACE}-{SPAN}-01",
    "version CC": f"CC-{TRACE}-{SPAN}-01",
    "version 000": f"000-{TRACE}-{SPAN}-01",
    "version 0000": f"0000-{TRACE}-{SPAN}-01",
    "version 0": f"0-{TRACE}-{SPAN}-01",
    "trace of zeros": f"00-{'0' * 32}-{SPAN}-01",
    "trace with a point first": f"00-.{TRACE[1:]}-{SPAN}-01",
    "trace with a point last": f"00-{TRACE[:-1]}.-{SPAN}-01",
    "trace in upper case": f"00-{'ABCDEF' + TRACE[6:]}-{SPAN}-01",
    "trace too long": f"00-{TRACE}3-{SPAN}-01",
    "trace too short": f"00-{TRACE[:-1]}-{SPAN}-01",
    "trace with other digits": f"00-{TRACE[:-1]}\xb2-{SPAN}-01",
    "span of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "span with a point first": f"00-{TRACE}-.{SPAN[1:]}-01",
    "span with a point last": f"00-{TRACE}-{SPAN[:-1]}.-01",
    "span in upper case": f"00-{TRACE}-{'ABCDEF' + SPAN[6:]}-01",
    "span too long": f"00-{TRACE}-{SPAN}7-01",
    "span too short": f"00-{TRACE}-{SPAN[:-1]}-01",
    "flags .0": f"00-{TRACE}-{SPAN}-.0",
    "flags 0.": f"00-{TRACE}-{SPAN}-0.",
    "flags in upper case": f"00-{TRACE}-{SPAN}-0A",
    "flags too long": f"00-{TRACE}-{SPAN}-001",
    "flags too short": f"00-{TRACE}-{SPAN}-1",
    "no flags": f"00-{TRACE}-{SPAN}",
    "a space within": f"00-{TRACE} -{SPAN}-01",
    "a line feed at the end": f"{VALID}\n",
    "another kind of space": f"\xa0{VALID}",
    "two in one": f"{VALID},{VALID}",
    "64 KiB": "0" * 65536,
    "64 KiB of future": f"00-{TRACE}-{SPAN}-01-{'x' * 65536}",
}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED)
def test_an_invalid_traceparent_is_not_continued(header: str) -> None:
    assert extract(("traceparent", header), ("tracestate", "foo=1")) is None


@pytest.mark.parametrize("second", [VALID, f"00-{TRACE[::-1]}-{SPAN}-01", "", "nonsense"])
def test_two_traceparents_are_none(second: str) -> None:
    assert extract(("traceparent", VALID), ("traceparent", second)) is None


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "traceparent ", "x-traceparent"])
def test_another_header_is_no_traceparent(name: str) -> None:
    assert extract((name, VALID)) is None


@pytest.mark.parametrize("name", ["trace-state", "trace.state"])
def test_another_header_is_no_tracestate(name: str) -> None:
    assert extract(("traceparent", VALID), (name, "foo=1")) == (TRACE, SPAN, 1, "")


def test_a_tracestate_alone_is_nothing() -> None:
    assert extract(("tracestate", "foo=1")) is None


TENANT = "t" * 241 + "@" + "v" * 14
LIMIT = [f"bar{number:02}={number:02}" for number in range(1, 34)]
KEPT: dict[str, tuple[list[str], str]] = {
    "one": (["foo=1"], "foo=1"),
    "two": (["foo=1,bar=2"], "foo=1,bar=2"),
    "empty": ([""], ""),
    "one and an empty header": (["foo=1", ""], "foo=1"),
    "an empty header and one": (["", "foo=1"], "foo=1"),
    "empty members": ([",foo=1,,bar=2, ,"], "foo=1,bar=2"),
    "headers in their order": (
        ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
        "foo=1,bar=2,rojo=1,congo=2,baz=3",
    ),
    "all characters": ([f"{KEY}={VALUE}"], f"{KEY}={VALUE}"),
    "all characters with a tenant": ([f"{KEY}@a-z0-9_-*/={VALUE}"], f"{KEY}@a-z0-9_-*/={VALUE}"),
    "a tenant that begins with a digit": (["0foo@bar=1"], "0foo@bar=1"),
    # Level 1 refused these, and the whole header with them.
    "a key that begins with a digit": (["1foo=1,bar=2"], "1foo=1,bar=2"),
    "a tenant without a system": (["foo@=1,bar=2"], "foo@=1,bar=2"),
    "two signs of a tenant": (["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
    "two systems": (["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
    "a tenant of 242": (["foo=1", "t" * 242 + "@v=1"], "foo=1," + "t" * 242 + "@v=1"),
    "a system of 15": (["foo=1", "t@" + "v" * 15 + "=1"], "foo=1,t@" + "v" * 15 + "=1"),
    "spaces and tabs around members": (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
    "a space before": ([" foo=1"], "foo=1"),
    "a tab after": (["foo=1\t"], "foo=1"),
    "32 members": ([",".join(LIMIT[:16]), ",".join(LIMIT[16:32])], ",".join(LIMIT[:32])),
    "a key of 256": (["foo=1", "z" * 256 + "=1"], "foo=1," + "z" * 256 + "=1"),
    "a tenant of 241": (
        ["foo=1", "t" * 241 + "@" + "v" * 14 + "=1"],
        "foo=1," + "t" * 241 + "@" + "v" * 14 + "=1",
    ),
    "a value of 256": (["foo=" + "x" * 256], "foo=" + "x" * 256),
}


@pytest.mark.parametrize(("headers", "state"), KEPT.values(), ids=KEPT)
def test_a_valid_tracestate_goes_on(headers: list[str], state: str) -> None:
    found = extract(("traceparent", VALID), *(("tracestate", header) for header in headers))

    assert found == (TRACE, SPAN, 1, state)


DROPPED: dict[str, list[str]] = {
    "a key twice": ["foo=1,foo=1"],
    "a key twice with other values": ["foo=1,foo=2"],
    "a key twice in two headers": ["foo=1", "foo=2"],
    "a space in a key": ["foo =1"],
    "a key in upper case": ["FOO=1"],
    "a point in a key": ["foo.bar=1"],
    "a system without a tenant": ["@foo=1,bar=2"],
    "33 members": [",".join(LIMIT)],
    "33 members in two headers": [",".join(LIMIT[:32]), LIMIT[32]],
    "a key of 257": ["foo=1", "z" * 257 + "=1"],
    "a key of 257 with a tenant": ["foo=1", "t" * 255 + "@v=1"],
    "two equals signs": ["foo=bar=baz"],
    "no value": ["foo=,bar=3"],
    "no equals sign": ["foo"],
    "a value of 257": ["foo=" + "x" * 257],
    "a value beyond ascii": ["foo=\xe4"],
    "a control character": ["foo=a\x01b"],
    "64 KiB": ["foo=1", "x" * 65536],
}


@pytest.mark.parametrize("headers", DROPPED.values(), ids=DROPPED)
def test_an_invalid_tracestate_is_dropped_and_its_trace_is_continued(headers: list[str]) -> None:
    found = extract(("traceparent", VALID), *(("tracestate", header) for header in headers))

    assert found == (TRACE, SPAN, 1, "")


@given(st.lists(st.text(max_size=80), max_size=3), st.lists(st.text(max_size=200), max_size=3))
def test_no_header_raises(parents: list[str], states: list[str]) -> None:
    TraceContext().extract({"traceparent": parents, "tracestate": states}, None, HeaderGetter())


@given(
    st.from_regex(r"[0-9a-f.A-F]{1,3}-[0-9a-fA]{31,33}-[0-9a-fF]{15,17}-[0-9a-f.]{1,3}(-.*)?", fullmatch=True)
)
def test_what_is_continued_is_what_the_header_says(header: str) -> None:
    found = read_traceparent(header)

    if found is None:
        return
    trace_id, span_id, flags = found
    version, trace, span, rest = header.split("-", 3)
    assert (len(version), version != "ff", len(trace), len(span)) == (2, True, 32, 16)
    assert (f"{trace_id:032x}", f"{span_id:016x}") == (trace, span)
    assert flags == int(rest[:2], 16) & 3
    assert trace_id
    assert span_id


class Listening(logging.Handler):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


@given(st.lists(st.text(alphabet=KEY + "=,@ \tA\x01", max_size=100), max_size=4))
def test_nothing_is_said_of_a_tracestate_whether_it_is_kept_or_not(headers: list[str]) -> None:
    listening = Listening()
    logging.getLogger("opentelemetry").addHandler(listening)
    try:
        state = read_tracestate(headers)
    finally:
        logging.getLogger("opentelemetry").removeHandler(listening)

    assert listening.said == []
    assert state is None or 0 < len(state) <= 32


def test_a_state_that_somebody_changes_keeps_its_keys_and_nothing_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = read_tracestate([",".join(LIMIT[:32])])
    state = read_tracestate(["1foo=1,bar@=2"])
    assert state is not None
    assert full is not None

    changed = {
        "add": state.add("vendor", "th:8"),
        "add again": state.add("bar@", "3"),
        "add what cannot be one": state.add("@", "3"),
        "add to 32": full.add("vendor", "th:8"),
        "update": state.update("bar@", "3"),
        "update with nothing": state.update("bar@", ""),
        "delete": state.delete("1foo"),
        "delete nothing": state.delete("foo"),
    }

    assert {what: one.to_header() for what, one in changed.items()} == {
        "add": "vendor=th:8,1foo=1,bar@=2",
        "add again": "1foo=1,bar@=2",
        "add what cannot be one": "1foo=1,bar@=2",
        "add to 32": ",".join(LIMIT[:32]),
        "update": "bar@=3,1foo=1",
        "update with nothing": "1foo=1,bar@=2",
        "delete": "bar@=2",
        "delete nothing": "1foo=1,bar@=2",
    }
    assert caplog.records == []
