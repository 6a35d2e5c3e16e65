"""W3C's own suite for Trace Context, as it is, against a service that is observed.

It is no package of any index; ``W3C_TRACE_CONTEXT`` names a checkout of github.com/w3c/trace-context, which
has to be of 2026-06-29 or later: before, two cases (``tracestate_key_illegal_vendor_format`` and
``tracestate_key_length_limit``) wanted keys refused that level 2 allows, and those fail here. What the suite
tries is in test_w3c_cases.py too, in words of our own, and runs everywhere.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
LONG = 50.0
# As many as it had at the end of 2025, at its strictest level.
CASES = 40


@pytest.fixture
def suite() -> Path:
    place = os.environ.get("W3C_TRACE_CONTEXT")
    if not place:
        pytest.skip("W3C's suite for Trace Context is not here: name a checkout of it in W3C_TRACE_CONTEXT")
    return Path(place) / "test"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The relay, listening before it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listening, (tmp_path / "relay").open("wb") as output:
        fd = listening.fileno()
        command = [sys.executable, "-m", "uvicorn", "tests.integrations.w3c_relay:app", "--fd", str(fd)]
        running = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, pass_fds=[fd])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/test"
        finally:
            running.terminate()
            running.wait(LONG)


def test_all_cases_of_w3cs_own_suite_pass(suite: Path, service: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "test.py", service],
        cwd=suite,
        env={**os.environ, "HARNESS_PORT": str(port), "HARNESS_TIMEOUT": "30"},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (ran,) = re.findall(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    assert int(ran) >= CASES
    assert "skipped" not in done.stderr
