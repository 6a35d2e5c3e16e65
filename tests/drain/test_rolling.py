"""The short form of the table: one restart under load, and the proof that the rig sees what is lost."""

from pathlib import Path

import pytest

from tests.drain.rig import missing, read, roll
from tests.drain.servers import APP, SERVERS
from tests.drain.service import Service, supervised

pytestmark = [
    pytest.mark.once,
    pytest.mark.real,
    pytest.mark.skipif(missing() != "", reason=f"{missing()} is not installed"),
]


def test_a_rolling_restart_under_load_loses_no_request(tmp_path: Path) -> None:
    def start(port: int) -> Service:
        command = supervised(SERVERS["uvicorn"].command(APP, port), "--drain-delay", "1")
        return Service(command, tmp_path, port)

    seen, codes = roll(tmp_path, start, restarts=1)

    assert (seen.errors, codes) == ({}, [0])
    assert seen.requests > 0


def test_without_a_delay_the_rig_sees_what_is_lost(tmp_path: Path) -> None:
    def start(port: int) -> Service:
        return Service(SERVERS["uvicorn"].command("tests.drain.observed:app", port), tmp_path, port)

    # One restart may be lucky.
    assert any(roll(tmp_path, start, restarts=1)[0].failed for _ in range(8))


def test_what_wrk_tells_is_read_to_the_last_error() -> None:
    told = """  1234 requests in 10.00s, 1.00MB read
  Socket errors: connect 1, read 20, write 0, timeout 3
  Non-2xx or 3xx responses: 400
"""

    seen = read(told)

    assert (seen.requests, seen.failed) == (1234, 424)
    assert seen.errors == {"connect": 1, "read": 20, "timeout": 3, "status": 400}
