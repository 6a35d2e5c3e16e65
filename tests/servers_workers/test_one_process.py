"""Where one process is all there is, there is no file, no thread and no patch for many."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers_workers.service import Service, descendants, environment, open_files
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.once


def test_a_process_alone_has_no_file_no_thread_and_no_patch(tmp_path: Path) -> None:
    places = {name: str(tmp_path) for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "TMPDIR")}

    done = subprocess.run(
        [sys.executable, "-m", "tests.servers_workers.apps.alone"],
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=True,
        cwd="/",
        env=environment(tmp_path) | places,
    )

    told = json.loads(done.stdout.splitlines()[-1])
    assert told["counted"] == [True] * 3
    assert not told["patched"]
    assert not [name for name in told["threads"] if "worker" in name]
    assert list(tmp_path.iterdir()) == []


def test_a_server_of_one_process_has_no_file(start: Callable[[str], Service]) -> None:
    service = start("uvicorn-alone")
    service.act(3)
    service.wait_for(lambda page: page.total("early_plain_total") == 6)

    (pid,) = descendants(service.process.pid)
    assert not [path for path in open_files(pid) if "observekit" in str(path)]
    assert all("worker" not in dict(sample.labels) for sample in service.page()[1].samples)
