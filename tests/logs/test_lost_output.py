"""A service answers as ever when its output is gone, stalled or full, and says afterwards what was lost."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Serve = Callable[..., Any]
Strict = Callable[[bytes | str], Any]

HERE = Path(__file__).parent
DROPPED = "observekit_log_records_dropped_total"
TAKEN_IN = "observekit_log_records_total"


def answers(service: Any, requests: int, path: str = "/both") -> set[int]:
    return {service.client.get(path).status_code for _ in range(requests)}


def counted(service: Any, lines: float) -> float:
    """Ask until *lines* have failed to be written, and return how many have; never more than so often."""
    failed = 0.0
    for _ in range(1000):
        failed = service.metric(DROPPED, reason="write_failed")
        if failed >= lines:
            break
    return failed


@pytest.mark.timeout(60)
def test_a_reader_that_closes_the_pipe_changes_no_answer(serve: Serve, strict: Strict) -> None:
    service = serve(stdout=subprocess.PIPE)
    assert service.process.stdout is not None
    first = strict(service.process.stdout.readline())
    while not strict(service.process.stdout.readline())["event"].startswith("Uvicorn running"):
        pass  # The last of the lines that its start writes.
    service.process.stdout.close()
    before = service.metric(DROPPED)

    statuses = answers(service, 300)

    # Two lines of the application and the canonical event, for each request.
    lost = counted(service, before + 3 * 300)
    assert (first["event"], statuses) == ("observekit.started", {200})
    assert lost - before == 3 * 300
    assert service.stop() == -15


@pytest.mark.timeout(60)
def test_a_reader_that_takes_the_first_kilobytes_changes_no_answer(serve: Serve) -> None:
    with subprocess.Popen(["head", "-c", "4096"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        service = serve(stdout=reader.stdin)
        reader.stdin.close()

        statuses = answers(service, 300)

        assert (statuses, len(reader.stdout.read())) == ({200}, 4096)
    assert service.metric(DROPPED, reason="write_failed") > 800


@pytest.mark.timeout(60)
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"], ids=["1", "0 to 2"])
def test_closed_descriptors_change_no_answer_and_nothing_is_written_under_their_numbers(
    serve: Serve, closed: str
) -> None:
    # uvicorn asks standard output for colors otherwise.
    command = [sys.executable, "-m", "uvicorn", "service:app", "--app-dir", str(HERE), "--no-use-colors"]
    service = serve(command=command, shell=closed)

    statuses = answers(service, 100)

    # What a client reads on a connection is HTTP only; so no log line went into a socket.
    assert (statuses, service.metric(DROPPED, reason="no_output")) == ({200}, service.metric(TAKEN_IN))
    assert service.stop() == -15


@pytest.mark.timeout(60)
def test_a_stalled_reader_delays_no_request_and_the_service_still_ends(serve: Serve) -> None:
    service = serve(stdout=subprocess.PIPE)
    service.client.get("/many", params={"lines": 3000, "size": 100})
    before = memory(service.process.pid)

    slowest = max(timed(lambda: service.client.get("/both")) for _ in range(200))
    for _ in range(10):
        service.client.get("/many", params={"lines": 3000, "size": 100})
    grown = memory(service.process.pid) - before

    assert service.metric(DROPPED, reason="buffer_full") > 1000
    assert slowest < 1
    # Four megabytes of lines, with what Python needs around each.
    assert grown < 16 * 1024 * 1024
    assert timed(service.stop) < 8


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def memory(process: int) -> int:
    """Return the resident bytes of *process*."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


@pytest.mark.timeout(60)
def test_what_a_stalled_reader_missed_is_told_when_it_reads_again(serve: Serve, strict: Strict) -> None:
    service = serve(stdout=subprocess.PIPE)
    for _ in range(10):
        service.client.get("/many", params={"lines": 3000, "size": 100})
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend(service.process.stdout.readlines()))

    reader.start()
    taken_in, dropped = service.metric(TAKEN_IN), service.metric(DROPPED)
    service.stop()
    reader.join(10)

    records = [strict(line) for line in found]
    resumed = [record for record in records if record["event"] == "observekit.logs_resumed"]
    assert sum(record["dropped"] for record in resumed) == dropped > 0
    assert len(records) - len(resumed) >= taken_in - dropped


@pytest.mark.timeout(60)
def test_a_device_that_is_full_changes_no_answer(serve: Serve) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
        service = serve(stdout=full)

    statuses = answers(service, 300)

    assert counted(service, 3 * 300) >= 3 * 300
    assert statuses == {200}
    assert service.stop() == -15


LIMITED = """
import resource, structlog, sys, time
from observekit import setup
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
kit = setup(log_format="json", traces=False)
log = structlog.get_logger("limited")
for number in range(100): log.info("before", number=number)
# Writes what waits: there is room for the first lines.
for part in kit._parts: part.flush(1)
name, reason = "observekit_log_records_dropped_total", {"reason": "write_failed"}
dropped = int(kit.registry.get_sample_value(name, reason))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for number in range(100): log.info("after", number=number)
kit.shutdown()
print(dropped, file=sys.stderr)
"""


@pytest.mark.timeout(60)
def test_after_a_full_disk_the_next_record_begins_a_fresh_line(tmp_path: Path, strict: Strict) -> None:
    log = tmp_path / "log"

    with log.open("wb") as file:
        ended = subprocess.run(
            [sys.executable, "-c", LIMITED], stdout=file, stderr=subprocess.PIPE, timeout=20, check=True
        )

    lines = log.read_bytes().splitlines()
    before = [line for line in lines if line.endswith(b"}") and b'"before"' in line]
    torn = [line for line in lines if not line.endswith(b"}")]
    rest = [strict(line) for line in lines if line.endswith(b"}") and b'"before"' not in line]
    dropped = int(ended.stderr)
    assert len(torn) == 1
    assert [record["number"] for record in rest if record["event"] == "after"] == list(range(100))
    assert [record["dropped"] for record in rest if record["event"] == "observekit.logs_resumed"] == [dropped]
    assert len(before) + dropped == 100
