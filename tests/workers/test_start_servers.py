"""Workers of a server find each other; what they show together is in tests/servers_workers."""

from pathlib import Path

import pytest

from tests.workers.fleet import serving

pytestmark = [pytest.mark.timeout(120), pytest.mark.once]


def test_workers_say_what_they_share_and_where(tmp_path: Path) -> None:
    with serving("uvicorn", tmp_path) as fleet:
        fleet.workers(2)
        log = (tmp_path / "log").read_text()

    assert f"worker 0 of several, which share {tmp_path}/observekit-" in log
    assert f"worker 1 of several, which share {tmp_path}/observekit-" in log
