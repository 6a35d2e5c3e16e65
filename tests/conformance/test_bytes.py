"""What a client reads from a real server is, byte by byte, what it would read without observekit."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from observekit import instrument, setup

from .apps import fails, page, reads
from .servers import LONG, SERVERS, Server

DURATION = "http_server_request_duration_seconds"
HOST = "host: service.test\r\n"
CLOSE = f"{HOST}connection: close\r\n"


def get(path: str, headers: str = "", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{CLOSE}{headers}\r\n".encode("latin-1")


REQUESTS = {
    "get": get("/items/7?token=x"),
    "head": get("/items/7", method="HEAD"),
    "options": get("/items/7", method="OPTIONS"),
    "a method that the route has not": get("/items/7", method="DELETE"),
    "a path that nothing has": get("/nothing"),
    "a redirect": get("/items/7/"),
    "a mounted route": get("/in/acme/items/7"),
    "a path of no encoding": get("/items/%ff%zz"),
    "headers of no encoding": get("/headers", "x-any: \xff\xfe\r\nx-any: two\r\ntraceparent: 00-x-y-01\r\n"),
    "a stream": get("/stream"),
    "events": get("/events"),
    "a file": get("/file"),
    "a range": get("/file", "range: bytes=5-9\r\n"),
    "ranges that are not there": get("/file", "range: bytes=99999999-\r\n"),
    "a file that the client has": get(
        "/static/page.txt", "if-modified-since: Fri, 31 Dec 2100 23:59:59 GMT\r\n"
    ),
    "no content": get("/empty"),
    "work in the background": get("/background"),
    "a body": get("/read", "content-length: 5\r\n", "POST") + b"hello",
    "a body in chunks": get("/read", "transfer-encoding: chunked\r\n", "POST") + b"5\r\nhello\r\n0\r\n\r\n",
    "an exception": get("/fails"),
    "an exception in the middle": get("/breaks"),
    "no answer": get("/silent/"),
    "only the start of an answer": get("/odd/start/"),
    "a body before its start": get("/odd/body/"),
    "two starts": get("/odd/twice/"),
    "more than was said": get("/odd/long/"),
    "http 1.0": b"GET /items/7 HTTP/1.0\r\n\r\n",
    "two on one connection": f"GET /items/1 HTTP/1.1\r\n{HOST}\r\n".encode() + get("/items/2"),
}


async def headers(request: Request) -> Response:
    return JSONResponse([[repr(name), repr(value)] for name, value in request.headers.raw])


async def breaks(request: Request) -> Response:
    return StreamingResponse(_pieces(fail=True))


async def events(request: Request) -> Response:
    return StreamingResponse(_pieces(), media_type="text/event-stream")


async def _pieces(*, fail: bool = False) -> AsyncIterator[str]:
    for number in range(3):
        yield f"data: {number}\n\n"
    if fail:
        raise ValueError


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """Return without an answer."""


def odd(*messages: dict[str, Any]) -> Any:
    """Return an application that sends what no application should."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(dict(message))

    return app


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
BODY = {"type": "http.response.body", "body": b"x"}
LONG_BODY = {"type": "http.response.body", "body": b"x" * 50}


def application(file: Path) -> Starlette:
    items = Route("/items/{item}", page)
    return Starlette(
        routes=[
            items,
            Mount("/in/{tenant}", routes=[items]),
            Mount("/static", StaticFiles(directory=file.parent)),
            Mount("/silent", silent),
            Mount("/odd/start", odd(START)),
            Mount("/odd/body", odd(BODY)),
            Mount("/odd/twice", odd(START, START, BODY)),
            Mount("/odd/long", odd(START, LONG_BODY)),
            Route("/headers", headers),
            Route("/stream", lambda _: StreamingResponse(_pieces())),
            Route("/events", events),
            Route("/file", lambda _: FileResponse(file)),
            Route("/empty", lambda _: Response(status_code=204)),
            Route("/background", lambda _: PlainTextResponse("x", background=BackgroundTask(list))),
            Route("/read", reads, methods=["POST"]),
            Route("/fails", fails),
            Route("/breaks", breaks),
        ]
    )


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
        deadline = monotonic() + LONG
        while self.counted() < requests:
            assert monotonic() < deadline
            sleep(0.001)
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
UNSENT = {("granian", "only the start of an answer"), ("granian", "two starts")}
"""Where a server keeps the start until there is a body, and answers 500 when none comes; it tells nobody."""
SILENT = {"no answer"}
"""What has no size on any server: the page that says so is the server's own."""
UNMEASURED = {"granian": SILENT | {"a file"}}
"""Where a server reads a file itself, and how much of it nobody is told."""


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


def seen(answer: bytes) -> tuple[str, int]:
    """Return status and size of an answer; that of the server's own is none of the application's."""
    head, _, body = answer.partition(b"\r\n\r\n")
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


@settings(max_examples=60, deadline=None)
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
    """Return *answer* without what differs from one second and one port to the next."""
    return re.sub(rb"(?i)(\r\ndate: )[^\r]*", rb"\1", re.sub(rb"(127\.0\.0\.1|localhost):\d+", b"", answer))
