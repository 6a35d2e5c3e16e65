"""What a client reads from a real server is, byte by byte, what it would read without observekit."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette import responses

from observekit import instrument, setup
from tests.often import often
from tests.waiting import until

from .servers import SERVERS, Server
from .wire import CLOSE, LONGER, REQUESTS, application

DURATION = "http_server_request_duration_seconds"


class Pair(NamedTuple):
    """One server with the bare application, one with it observed, and what was counted of that."""

    bare: Server
    observed: Server
    registry: CollectorRegistry
    name: str

    def counted(self) -> float:
        samples = (sample for family in self.registry.collect() for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == f"{DURATION}_count")

    def told(self, name: str, label: str) -> Counter[str]:
        """Return the values of a family by one of its labels."""
        found: Counter[str] = Counter()
        for family in self.registry.collect():
            for sample in family.samples:
                if sample.name == name:
                    found[sample.labels[label]] += int(sample.value)
        return found

    def wait_until_counted(self, requests: float) -> None:
        """Wait for what comes after the client has its answer."""
        until(lambda: self.counted() >= requests)
        self.observed.settle()


@pytest.fixture(scope="module", params=SERVERS)
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The servers of one kind."""
    package, serve = SERVERS[request.param]
    pytest.importorskip(package, reason=f"{request.param} is not installed")
    file = tmp_path_factory.mktemp("files") / "page.txt"
    file.write_text("x" * 200_000)
    bare, observed = application(file), application(file)
    kit = setup(registry=CollectorRegistry(), logs="off", body_sizes=True)
    instrument(observed)
    pair = Pair(serve(bare), serve(observed), kit.registry, request.param)
    yield pair
    pair.bare.stop()
    pair.observed.stop()
    kit.shutdown()


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS)
def test_an_answer_is_that_of_the_bare_application(servers: Pair, request_bytes: bytes) -> None:
    before = servers.counted()

    bare = comparable(servers.bare.exchange(request_bytes))
    observed = comparable(servers.observed.exchange(request_bytes))

    assert observed == bare
    servers.wait_until_counted(before + 1)


STATUS = "http_response_status_code"
UNSENT = {
    ("granian", "only the start of an answer"),
    ("granian", "two starts"),
    ("hypercorn", LONGER),
    ("hypercorn on trio", LONGER),
}
"""Where a server answers what is its own, and tells nobody: 500 for a start that it kept until there is a
body, 400 for a request that goes on."""
SILENT = {"no answer", "less than was said", "more than was said"}
"""What has no size: the page is the server's own, or the server raised for a piece that may have gone out."""
SENDS_PATHS = "pathsend" in Path(responses.__file__).read_text()
UNMEASURED = {"granian": {"no answer", "a file"} if SENDS_PATHS else {"no answer"}}
"""Where a server raises for no piece, but reads a file itself; older Starlettes hand it over in pieces."""


@pytest.mark.parametrize("kind", [kind for kind in REQUESTS if not kind.startswith("two on")])
def test_the_status_and_the_size_that_are_told_are_those_on_the_wire(servers: Pair, kind: str) -> None:
    if (servers.name, kind) in UNSENT:
        pytest.skip("the server took the start of a response, and sent another")
    counts, sizes = f"{DURATION}_count", "http_server_response_body_size_bytes"
    before = servers.told(counts, STATUS), servers.told(f"{sizes}_sum", STATUS)
    measured = servers.told(f"{sizes}_count", STATUS)
    counted = servers.counted()

    status, size = seen(servers.observed.exchange(REQUESTS[kind]))

    servers.wait_until_counted(counted + 1)
    assert servers.told(counts, STATUS) - before[0] == {status: 1}
    told = servers.told(f"{sizes}_count", STATUS) - measured
    assert told == ({} if kind in UNMEASURED.get(servers.name, SILENT) else {status: 1})
    assert servers.told(f"{sizes}_sum", STATUS)[status] - before[1][status] == size * told[status]


REASONS = {
    "no answer": "no_response",
    "only the start of an answer": "no_response",
    "an exception in the middle": "error",
    "two starts": "error",
    "less than was said": "error",
    "more than was said": "error",
}
FORGIVING = {("granian", "less than was said"), ("granian", "more than was said")}
"""What a server takes without a word."""


@pytest.mark.parametrize("kind", [kind for kind in REQUESTS if not kind.startswith("two on")])
def test_an_answer_that_does_not_come_to_its_end_has_a_reason(servers: Pair, kind: str) -> None:
    aborted = "http_server_requests_aborted_total"
    counted, before = servers.counted(), servers.told(aborted, "reason")

    servers.observed.exchange(REQUESTS[kind])

    servers.wait_until_counted(counted + 1)
    told = kind in REASONS and (servers.name, kind) not in FORGIVING
    assert servers.told(aborted, "reason") - before == ({REASONS[kind]: 1} if told else {})


def seen(answer: bytes) -> tuple[str, int]:
    """Return status and size of an answer; that of the server's own is none of the application's."""
    leave, _, rest = answer.partition(b"\r\n\r\n")
    head, _, body = (rest if leave.startswith(b"HTTP/1.1 100 ") else answer).partition(b"\r\n\r\n")
    status = re.search(rb"\b[1-5][0-9][0-9]\b", head.splitlines()[0])
    assert status is not None
    if b"transfer-encoding: chunked" in head.lower() and answer.startswith(b"HTTP/"):
        body = b"".join(re.findall(rb"[0-9a-fA-F]+\r\n((?s:.)*?)\r\n(?=[0-9a-fA-F]+\r\n|$)", body))
    return status[0].decode(), len(body.removeprefix(b"cut off after "))


APPLICATIONS_OWN = re.compile(rb"(HTTP/1.1 )?(200|307|404) ")
"""How an answer begins that is the application's; what servers cannot read never reaches it."""
RAW = st.binary(max_size=30).filter(lambda raw: not {*b"\r\n"} & {*raw})
NAMES = st.sampled_from(
    [
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"user-agent",
        b"cookie",
        b"accept",
        b"x-any",
        b"X-Forwarded-For",
    ]
)
LINES = st.lists(
    st.one_of(
        st.tuples(NAMES, RAW),
        st.tuples(st.binary(min_size=1, max_size=5).map(bytes.hex).map(str.encode), RAW),
    ),
    max_size=5,
)
TARGETS = st.one_of(
    st.sampled_from(
        [b"/items/%ff%zz", b"/items/%", b"//items//7?a=%zz&&b", b"/headers?\xc3\x28", b"http://a/items/7"]
    ),
    RAW.map(lambda raw: b"/items/" + raw.translate(None, bytes(range(33)))),
)


@pytest.mark.often
@settings(max_examples=often(60), deadline=None)
@given(target=TARGETS, lines=LINES)
def test_an_answer_to_any_bytes_is_that_of_the_bare_application(
    servers: Pair, target: bytes, lines: list[tuple[bytes, bytes]]
) -> None:
    sent = b"".join(b"%b: %b\r\n" % line for line in [*lines, *lines[:1]])
    request = b"GET %b HTTP/1.1\r\n%b%b\r\n" % (target, CLOSE.encode(), sent)
    counted = servers.counted()

    bare = comparable(servers.bare.exchange(request))
    observed = comparable(servers.observed.exchange(request))

    assert observed == bare
    if APPLICATIONS_OWN.match(observed):
        servers.wait_until_counted(counted + 1)


def comparable(answer: bytes) -> bytes:
    """Return *answer* without what differs from second to second and port to port, and without our header."""
    answer = re.sub(rb"(?i)\r\ntraceresponse: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", b"", answer)
    return re.sub(rb"(?i)(\r\ndate: )[^\r]*", rb"\1", re.sub(rb"(127\.0\.0\.1|localhost):\d+", b"", answer))
