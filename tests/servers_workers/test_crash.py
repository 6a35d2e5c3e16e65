"""The crash loop in short: every scrape is answered, no total falls, and the journal is met."""

from pathlib import Path

import pytest

from tests.servers_workers.crash import crash
from tests.servers_workers.servers import SERVERS, WORKERS

KILLS = 6


@pytest.mark.once
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["uvicorn-h11", "gunicorn-sync-preload"])
def test_workers_that_are_killed_at_random_instants_lose_nothing(name: str, tmp_path: Path) -> None:
    if missing := SERVERS[name].missing():
        pytest.skip(f"{missing} is not installed")

    report = crash(name, KILLS, tmp_path)

    assert not report.wrong, str(report)
    assert report.kills == KILLS
    assert report.scrapes > KILLS
    assert report.files[-1] > 0
    assert max(report.files) <= 4 * (WORKERS + 1) + 2
