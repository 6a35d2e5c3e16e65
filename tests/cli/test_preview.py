"""The page of boards: what is asked of Prometheus, what stands on it, and that it needs nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from observekit.cli import main
from observekit.dashboards.preview.page import page as page_of
from tests.boards.stage import listening

_SERIES = {"metric": {"job": "</script>shop"}, "values": [[1, "1"], [2, "NaN"], [3, "+Inf"]]}


class _Prometheus(BaseHTTPRequestHandler):
    """Answers every query with one series, and remembers what was asked; refuses what has ``bad`` in it."""

    asked: list[dict[str, str]] = []  # noqa: RUF012 -- one for all requests, as the server makes the object

    def do_POST(self) -> None:
        """Answer a query."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append({**form, "path": self.path})
        bad = "bad" in form["query"]
        series: dict[str, Any] = _SERIES if "range" in self.path else {**_SERIES, "value": [3, "7"]}
        answer = {"error": "no such thing"} if bad else {"data": {"result": [series]}}
        self.send_response(400 if bad else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the server's
        """Say nothing."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    _Prometheus.asked.clear()
    with listening(_Prometheus) as port:
        yield f"http://127.0.0.1:{port}"


def _boards(page: Path) -> list[dict[str, Any]]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="boards">\n(.*)\n</script>', text)
    assert found
    boards: list[dict[str, Any]] = json.loads(found[1])
    return boards


def test_the_page_has_every_panel_of_every_board_and_needs_nothing_else(
    prometheus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "boards.html"

    code = main(["dashboards", "preview", "--prometheus", prometheus, "--page", str(page), "--last", "5m"])

    text = page.read_text(encoding="utf-8")
    assert (code, capsys.readouterr().out) == (0, f"{page}\n")
    assert [board["title"] for board in _boards(page)] == [
        "Fleet",
        "Service",
        "SLO",
        "Health and life cycle",
        "Runtime",
        "observekit itself",
    ]
    # The one that nobody can choose is not shown as one that was chosen.
    assert _boards(page)[1]["variables"] == {"job": "All", "instance": "All", "route": "All"}
    assert "Copyright (c) 2022 Leon Sorokin" in text
    assert re.findall(r"<(?:link|img|script src|iframe)", text) == []
    assert "</script>shop" not in text
    points = {
        json.dumps(frame["points"])
        for board in _boards(page)
        for p in board["panels"]
        for frame in p["frames"]
    }
    assert points == {"[[1.0, 1.0], [2.0, null], [3.0, null]]", "[[3.0, 7.0]]"}


def test_queries_are_asked_as_grafana_would_ask_them(prometheus: str, tmp_path: Path) -> None:
    arguments = ["--prometheus", prometheus, "--page", str(tmp_path / "p.html"), "--last", "30m"]

    main(["dashboards", "--scrape-interval", "30s", "preview", *arguments, "--choose", "job=shop|orders"])

    queries = [form["query"] for form in _Prometheus.asked]
    # A group of a regular expression is no variable.
    assert [query for query in queries if "$" in query.replace("${1}", "")] == []
    assert {window for query in queries for window in re.findall(r"rate\([^)]*\[(\w+)\]", query)} == {
        "120s",
        "1800s",
    }
    assert {job for query in queries for job in re.findall(r'job=~"([^"]*)"', query)} == {"shop|orders"}
    assert {form["step"] for form in _Prometheus.asked if "range" in form["path"]} == {"30.0"}


def test_a_board_of_ones_own_shows_what_prometheus_says_against_a_query(
    prometheus: str, tmp_path: Path
) -> None:
    board = json.loads((Path(__file__).parents[2] / "grafana/dashboards/observekit-slo.json").read_text())
    board["panels"][1]["targets"][0]["expr"] = "bad("
    file, page = tmp_path / "own.json", tmp_path / "p.html"
    file.write_text(json.dumps(board), encoding="utf-8")

    main(["dashboards", "preview", str(file), "--prometheus", prometheus, "--page", str(page)])

    (shown,) = _boards(page)
    assert shown["panels"][1]["problems"] == ["no such thing"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--last", "soon"], 2, "--last is 'soon', but must be a duration like 15m or 6h."),
        (["--choose", "job"], 2, "--choose is 'job', but must be NAME=REGEX, like job=shop."),
        (
            ["--prometheus", "localhost"],
            2,
            "the address of Prometheus is 'localhost', but must begin with http://.",
        ),
        (
            ["--prometheus", "http://127.0.0.1:1"],
            4,
            "Prometheus at http://127.0.0.1:1 does not answer: [Errno 111] Connection refused.",
        ),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    arguments: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "p.html"

    ended = main(["dashboards", "preview", "--page", str(page), *arguments])

    assert (ended, capsys.readouterr().err, page.exists()) == (code, f"observekit: {told}\n", False)


@pytest.mark.parametrize(
    "board",
    [
        [],
        {"panels": []},
        {"uid": "x", "panels": [1], "templating": {"list": []}},
        {"uid": "x", "panels": [], "templating": None},
        {
            "uid": "x",
            "title": "x",
            "description": "x",
            "panels": [{"targets": [{}]}],
            "templating": {"list": []},
        },
    ],
)
def test_a_board_of_somebody_else_is_wrong_input(
    board: object, prometheus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "own.json", tmp_path / "p.html"
    file.write_text(json.dumps([board]), encoding="utf-8")

    ended = main(["dashboards", "preview", str(file), "--prometheus", prometheus, "--page", str(page)])

    told = "observekit: The boards must be those of observekit dashboards.\n"
    assert (ended, capsys.readouterr().err, page.exists()) == (2, told, False)


@pytest.mark.real
@pytest.mark.once
def test_a_number_that_is_none_is_drawn_as_a_word_in_the_colour_of_text(tmp_path: Path) -> None:
    if not (chromium := shutil.which("chromium")):
        pytest.skip("chromium is not installed")
    board = json.loads((Path(__file__).parents[2] / "grafana/dashboards/observekit-slo.json").read_text())
    burning = next(panel for panel in board["panels"] if panel["title"] == "Burn rate of the last hour")
    frames = [
        {"ref": "A", "name": f"slo {value}", "labels": {}, "points": [[1, value]]} for value in (None, 0.0)
    ]
    told = {"uid": "x", "title": "x", "description": "x", "variables": {}, "from": 0, "to": 1}
    file = tmp_path / "p.html"
    panels = [{**burning, "frames": frames, "problems": []}]
    file.write_text(page_of([{**told, "panels": panels}]), encoding="utf-8")

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
    drawn = subprocess.run(
        [chromium, *flags, f"--user-data-dir={tmp_path / 'chromium'}", f"file://{file}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert re.findall(r'<b style="color: (.*?);">(.*?)</b>', drawn) == [
        ("rgb(204, 204, 220)", "no traffic, or no rules"),
        ("rgb(115, 191, 105)", "0.0"),
    ]
