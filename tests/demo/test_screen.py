"""What is written to a terminal and to a file, and the tables on it."""

import io
from math import inf

import pytest

from observekit.cli.demo.ports import listen
from observekit.cli.demo.prometheus import configuration
from observekit.cli.demo.scrape import Counts, Endpoint, Page
from observekit.cli.demo.screen import ASCII_MARKS, Marks, Part, Screen
from observekit.cli.demo.shop import Service
from observekit.cli.demo.tables import brief, brief_heading, table
from observekit.dashboards.provisioning import prometheus_yaml
from observekit.errors import ObservekitError

_PAGES = {
    "shop": Page(
        {
            Endpoint("GET", "_unmatched"): Counts({0.1: 2, 0.5: 2, inf: 2}, {"404": 2}),
            Endpoint("POST", "/b"): Counts({0.1: 4, 0.5: 8, inf: 8}, {"200": 6, "500": 2}),
            Endpoint("GET", "/a"): Counts({0.1: 0, 0.5: 0, inf: 0}, {"200": 0}),
        },
        "ready",
    ),
    "idle": Page({}, "draining"),
}


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_lines_that_stay_are_written_above_the_live_block_which_is_erased_first() -> None:
    stream = io.StringIO()
    screen = Screen(stream, colour=True, live=True)

    screen.show([[Part("one")], [Part("two", "red")]])
    screen.say([[Part("stays")]])
    screen.clear()

    assert stream.getvalue() == (
        "\r\x1b[Jone\n\x1b[31mtwo\x1b[0m\n\r\x1b[2A\x1b[Jstays\none\n\x1b[31mtwo\x1b[0m\n\r\x1b[2A\x1b[J"
    )


def test_a_file_gets_lines_only() -> None:
    stream = io.StringIO()
    screen = Screen.on(stream)

    with screen:
        screen.show([[Part("live")]])
        screen.say([[Part("stays  ", "bold")], []])

    assert stream.getvalue() == "stays\n\n"


def test_a_live_block_is_cut_to_the_terminal_because_more_could_not_be_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES", "3")
    stream = io.StringIO()

    Screen(stream, colour=False, live=True).show([[Part("x" * 70), Part("y" * 70)], [], [], []])

    assert stream.getvalue() == f"\r\x1b[J{'x' * 70}{'y' * 9}\n\n"


def test_text_from_outside_cannot_move_the_cursor() -> None:
    stream = io.StringIO()

    Screen(stream, colour=False, live=False).say([[Part("/a\x1b[2J\nb")]])

    assert stream.getvalue() == "/a\\x1b[2J\\x0ab\n"


def test_an_encoding_without_line_drawing_gets_other_marks() -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    wide = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

    assert Screen.on(narrow).marks == ASCII_MARKS
    assert Screen.on(wide).marks == Marks()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "written"),
    [
        ({"TERM": "xterm"}, "\x1b[?25l\x1b[32mx\x1b[0m\n\x1b[?25h"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "\x1b[?25lx\n\x1b[?25h"),
        ({"TERM": "dumb"}, "x\n"),
    ],
)
def test_a_terminal_is_treated_as_it_asks(
    environ: dict[str, str], written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stream = _Terminal()

    with Screen.on(stream) as screen:
        screen.say([[Part("x", "green")]])

    assert stream.getvalue().replace("\r\x1b[J", "") == written


def test_the_table_has_a_line_for_each_service_and_route() -> None:
    lines = ["".join(part.text for part in line) for line in table(_PAGES, 10.0, 79)]

    assert lines == [
        "SERVICE, ROUTE                   REQUESTS    RATE    4XX    5XX     P50     P95",
        "shop                                   10   1.0/s   20 %   20 %   83 ms  450 ms",
        "  GET  /a                               0       -      -      -       -       -",
        "  POST /b                               8   0.8/s      -   25 %  100 ms  460 ms",
        "  GET  _unmatched                       2   0.2/s  100 %      -   50 ms   95 ms",
        "idle  draining                          0       -      -      -       -       -",
    ]


def test_trouble_has_a_colour_and_nothing_is_dim() -> None:
    _, shop, *_ = table(_PAGES, 10.0, 79)

    assert [part.style for part in shop] == ["bold", "plain", "bold", "yellow", "red", "bold", "yellow"]


def test_a_file_gets_one_line_at_a_time() -> None:
    lines = [*brief_heading(_PAGES), brief(_PAGES, 10.0, 12.3)]

    assert ["".join(part.text for part in line).rstrip() for line in lines] == [
        "        shop                    idle",
        "  TIME  RATE    5XX     P95     RATE    5XX     P95",
        "  12 s  1.0/s   20 %    450 ms  -       -       -",
    ]


def test_the_next_free_port_is_taken_and_held() -> None:
    with listen(18_700) as first:
        port = first.getsockname()[1]
        with listen(port) as second:
            assert second.getsockname()[1] > port


def test_no_free_port_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("observekit.cli.demo.ports._TRIES", 1)

    with listen(18_800) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ObservekitError) as told:
            listen(port)

    assert str(told.value) == f"port {port} and the 0 above it are taken. Choose others with --port."


def test_prometheus_gets_the_shipped_file_with_a_job_for_each_service() -> None:
    given = configuration([Service("a", 8000), Service("b", 8001)])

    shipped = prometheus_yaml("1s")
    job = shipped[shipped.index("  - job_name: ") :]
    assert given == shipped.replace("job_name: service", "job_name: a") + job.replace(
        "job_name: service", "job_name: b"
    ).replace("127.0.0.1:8000", "127.0.0.1:8001")
