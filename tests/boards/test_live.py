"""The shop under traffic, seen by a real Prometheus: panels show something, alerts reach somebody."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from math import isnan
from pathlib import Path
from time import time

import httpx
import pytest

from observekit.cli import main
from tests.boards.missing import REHEARSED, Missing
from tests.boards.queries import BOARDS, Query, queries
from tests.boards.stage import Called, Collector, Stage, calling, listening, start_prometheus, traffic
from tests.boards.table import leave, row_of, rows, shown_by
from tests.real.conftest import LOOPBACK, Process, Start, open_shop, start, until

__all__ = ["open_shop", "start"]  # Fixtures.

pytestmark = [pytest.mark.real, pytest.mark.once, pytest.mark.timeout(300)]

Shop = Callable[..., Mapping[str, Process]]


@pytest.fixture
def stage(start: Start, open_shop: Shop, tmp_path: Path) -> Iterator[Stage]:
    """Open the shop, with an environment in which one setting is wrong."""
    called = Called()
    with ExitStack() as stack:
        missing = stack.enter_context(listening(Missing))
        hook = stack.enter_context(calling(called))
        collector = stack.enter_context(listening(Collector))
        shop = open_shop(
            OBSERVEKIT_LOG_LEVEL="loud", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{LOOPBACK}:{collector}"
        )
        yield Stage(shop, start_prometheus(start, shop, missing, hook, tmp_path), called)


def _empty(stage: Stage, query: Query) -> list[str]:
    """Return what is missing of a query: an answer, or series behind one of its selectors.

    What the shop can show has to come from the shop.
    """
    told = [] if stage.ask(query.wanted) else ["no answer"]
    told += [
        f"nothing matches {selector}"
        for selector in query.selectors()
        if not stage.ask(f"count(present_over_time({selector.split('[')[0]}[1m]))")
    ]
    return told


def _wait_until_all_show_something(stage: Stage, *, about_alerts: bool) -> dict[Query, int]:
    """Ask again and again for what has shown nothing yet; return how many series each query then gave."""
    seen: dict[Query, int] = {}
    waiting = [query for query in queries() if ("ALERTS" in query.expression) == about_alerts]

    def done() -> bool:
        for query in [one for one in waiting if not _empty(stage, one)]:
            seen[query] = len(stage.ask(query.wanted))
            waiting.remove(query)
        return not waiting

    until(done, lambda: [(one, _empty(stage, one)) for one in waiting])
    return seen


def test_every_panel_shows_something_alerts_reach_somebody_and_silence_is_no_nan(
    stage: Stage, tmp_path: Path
) -> None:
    def told(name: str, **labels: str) -> None:
        until(lambda: stage.called.told(name, **labels), lambda: (name, labels, stage.called.names()))

    with traffic(stage.shop["storefront"].url):
        told("SettingRejected", job="storefront", severity="info")
        seen = _wait_until_all_show_something(stage, about_alerts=False)
        until(lambda: _exemplars(stage))
        stage.shop["inventory"].running.kill()
        told("TargetDown", job="inventory", severity="warning")
        told("ServiceDown", job="inventory", severity="critical")
        told("ErrorBudgetBurn", job="storefront", slo="http-availability", severity="critical")
        seen |= _wait_until_all_show_something(stage, about_alerts=True)
        leave(stage.prometheus.url, seen)
        drawn = _drawn(stage, tmp_path / "boards.html")

    told("TrafficStopped", job="storefront")
    assert _not_numbers(stage) == []
    assert _unhealthy(stage) == []
    if not drawn:
        pytest.skip("chromium is not installed: all was tested but what a browser draws of the boards")


def test_the_table_of_panels_has_every_query_of_every_board_and_none_was_empty() -> None:
    table = dict(rows())

    assert table.keys() == {row_of(query) for query in queries()}
    assert shown_by() == {row_of(query): "catalogue" if query.rehearsed else "shop" for query in queries()}
    assert min(min(counts) for counts in table.values()) > 0
    # Who is on the list for nothing would hide that the shop no longer shows something.
    assert [name for name in REHEARSED if not any(name in query.expression for query in queries())] == []


def _drawn(stage: Stage, page: Path) -> bool:
    """Draw all boards on one page, and let a browser, if there is one, say what it has drawn."""
    made = ["--scrape-interval", "1s", "preview", "--prometheus", stage.prometheus.url, "--last", "1m"]
    assert main(["dashboards", *made, "--page", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?http|url\(""", text)
    if not (chromium := shutil.which("chromium")):
        return False
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run(
        [chromium, *flags, f"--user-data-dir={page.parent / 'chromium'}", f"file://{page}#all"],
        capture_output=True,
        text=True,
        check=True,
    )
    states = re.findall(r'<section class="panel"[^>]*data-state="(\w+)"', done.stdout)
    panels = sum(
        panel["type"] != "row"
        for path in BOARDS.glob("*.json")
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    )

    assert (states, len(states)) == (["drawn"] * panels, panels)
    return True


def _exemplars(stage: Stage) -> bool:
    """Return whether there is a duration that leads to its trace."""
    now = time()
    query = {"query": "http_server_request_duration_seconds_bucket", "start": str(now - 60), "end": str(now)}
    answer = httpx.get(f"{stage.prometheus.url}/api/v1/query_exemplars", params=query).json()
    return any("trace_id" in one["labels"] for series in answer["data"] for one in series["exemplars"])


def _not_numbers(stage: Stage) -> list[str]:
    """Return the queries that show something that is no number, at some moment of the last seconds."""
    now = time()
    span = {"start": str(now - 20), "end": str(now), "step": "1"}
    return [
        f"{one.board}: {one.panel}"
        for one in queries()
        if any(
            isnan(float(value))
            for series in stage.ask(one.expression, **span)
            for _, value in series["values"]
        )
    ]


def _unhealthy(stage: Stage) -> list[str]:
    groups = httpx.get(f"{stage.prometheus.url}/api/v1/rules").json()["data"]["groups"]
    return [
        f"{rule['name']}: {rule['lastError']}"
        for group in groups
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]
