"""A log volume that is full costs its lines, which are counted, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Serve = Callable[..., Any]
Strict = Callable[[bytes | str], Any]

HERE = Path(__file__).parent
DROPPED = "observekit_log_records_dropped_total"
TAKEN_IN = "observekit_log_records_total"
# A volume of 256 KiB in a name space of mounts of the service's own, of which 200 KB are taken.
ON_A_SMALL_VOLUME = (
    'mount -t tmpfs -o size=256k tmpfs "$0" && head -c 200000 /dev/zero >"$0/taken" && exec "$@" >"$0/log"'
)


def can_mount() -> bool:
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return os.geteuid() == 0 and tried.returncode == 0


@pytest.mark.once
@pytest.mark.skipif(not can_mount(), reason="only root may mount a volume")
def test_a_full_volume_changes_no_answer_and_what_is_missing_is_what_was_counted(
    serve: Serve, strict: Strict, tmp_path: Path
) -> None:
    server = [sys.executable, "-m", "uvicorn", "service:app", "--app-dir", str(HERE)]
    service = serve(command=["unshare", "-m", "sh", "-c", ON_A_SMALL_VOLUME, str(tmp_path), *server])
    volume = Path(f"/proc/{service.process.pid}/root{tmp_path}")

    statuses = [service.client.get("/both").status_code for _ in range(300)]
    dropped = service.metric(DROPPED)
    for _ in range(1000):
        if dropped >= 300:
            break
        dropped = service.metric(DROPPED)
    full = (volume / "log").stat().st_size
    (volume / "taken").unlink()
    statuses += [service.client.get("/both").status_code for _ in range(20)]
    for _ in range(1000):
        if b"observekit.logs_resumed" in (volume / "log").read_bytes():
            break
        service.client.get("/both")
    taken_in, dropped = service.metric(TAKEN_IN), service.metric(DROPPED)
    lines = (volume / "log").read_bytes()[: full + 1_000_000].splitlines()

    assert set(statuses) == {200}
    torn = [line for line in lines[:-1] if not line.endswith(b"}")]
    records = [strict(line) for line in lines if line.endswith(b"}")]
    told = sum(one["dropped"] for one in records if one["event"] == "observekit.logs_resumed")
    assert (len(torn) <= 1, told, dropped > 300) == (True, dropped, True)
    # The last of them may still be on their way to the file.
    assert taken_in - dropped - 40 <= len(records) <= taken_in - dropped + 1
