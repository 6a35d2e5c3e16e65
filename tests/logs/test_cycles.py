"""Setting up twice is the same as once, and shutting down leaves what was there before."""

import gc
import io
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from observekit import setup

NAMES = (None, "uvicorn", "uvicorn.error", "uvicorn.access", "shop")


def state() -> dict[str, Any]:
    loggers = [logging.getLogger(name) for name in NAMES]
    return {
        "structlog": (structlog.is_configured(), structlog.get_config()),
        "stdlib": [(list(one.handlers), one.propagate, one.level, list(one.filters)) for one in loggers],
    }


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_hundred_setups_are_one() -> None:
    registry = CollectorRegistry()
    before = state()

    kits = {id(setup(registry=registry, traces=False)) for _ in range(100)}
    ours = [one for one in logging.getLogger().handlers if type(one).__name__ == "RecordHandler"]
    setup().shutdown()

    assert (len(kits), len(ours), state()) == (1, 1, before)


@pytest.mark.parametrize("configured", [False, True], ids=["structlog as it comes", "structlog configured"])
def test_everything_comes_back_as_it_was(configured: bool) -> None:
    if configured:
        structlog.configure(processors=[structlog.processors.JSONRenderer()], cache_logger_on_first_use=False)
    printing, file = logging.StreamHandler(), logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("shop")
    logger.handlers[:] = [printing, file]
    before = state()

    setup(registry=CollectorRegistry(), traces=False).shutdown()

    after = state()
    logger.handlers.clear()
    assert after == before


def test_a_chain_that_was_configured_after_ours_stays() -> None:
    kit = setup(registry=CollectorRegistry(), traces=False)
    chain = [structlog.processors.JSONRenderer()]

    structlog.configure(processors=chain)
    kit.shutdown()

    assert structlog.get_config()["processors"] is chain


def test_a_logger_that_was_used_before_writes_for_the_kit_of_now(capfd: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("kept")
    setup(registry=CollectorRegistry(), traces=False, service_name="first", log_format="json").shutdown()
    first = setup(registry=CollectorRegistry(), traces=False, service_name="second", log_format="json")
    log.info("x")
    first.shutdown()
    registry = CollectorRegistry()
    second = setup(registry=registry, traces=False, service_name="third", log_format="json")
    before = registry.get_sample_value("observekit_log_records_total", {"level": "info"}) or 0

    log.info("y")

    after = registry.get_sample_value("observekit_log_records_total", {"level": "info"})
    second.shutdown()
    out = capfd.readouterr().out
    assert after == before + 1
    assert ['"service":"third"' in line for line in out.splitlines() if '"event":"y"' in line] == [True]


def test_twenty_cycles_leave_no_thread_and_no_descriptor() -> None:
    def cycle() -> None:
        kit = setup(registry=CollectorRegistry(), traces=False)
        structlog.get_logger("cycle").info("x")
        kit.shutdown()

    def held() -> set[tuple[str, str]]:
        """Return all threads and descriptors, each by what tells it from a later one of its number."""
        gc.collect()
        found = {(one.name, "thread") for one in Path("/proc/self/task").iterdir()}
        for one in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # That of the directory itself, which is closed by now.
                found.add((one.name, str(one.readlink())))
        return found

    cycle()
    before = held()

    for _ in range(20):
        cycle()

    # A thread lets go of its lock a moment before it ends, and the kernel has no handle to wait for.
    deadline, pause = monotonic() + 30, threading.Event()
    while held() - before and monotonic() < deadline:
        pause.wait(0.01)
    assert held() - before == set()


@pytest.mark.parametrize("stream", ["closed", "text only", "nothing", "no stream at all"])
def test_setup_takes_any_standard_output(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    streams = {"closed": closed, "text only": io.StringIO(), "nothing": None, "no stream at all": object()}
    monkeypatch.setattr("sys.stdout", streams[stream])

    kit = setup(registry=CollectorRegistry(), traces=False, log_format="auto")
    structlog.get_logger("any").info("x")
    kit.shutdown()

    assert kit.registry.get_sample_value("observekit_internal_errors_total", {"component": "logs"}) is None


def test_eight_threads_write_whole_lines_and_every_one_is_counted(run_script: Callable[[str], Any]) -> None:
    ended = run_script(
        "def work(thread):\n"
        "    for number in range(5000): log.info('line', thread=thread, number=number)\n"
        "threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "sample = lambda name: sum(one.value for family in kit.registry.collect()\n"
        "    for one in family.samples if one.name == name)\n"
        "drops, records = 'observekit_log_records_dropped_total', 'observekit_log_records_total'\n"
        # Eight busy threads leave the writer little time, and it the buffer full.
        "for part in kit._parts: part.flush(30)\n"
        "log.info('counted', dropped=sample(drops), records=sample(records))\n"
    )

    lines = [line for line in ended.lines if line["event"] == "line"]
    (counted,) = [line for line in ended.lines if line["event"] == "counted"]
    resumed = sum(line["dropped"] for line in ended.lines if line["event"] == "observekit.logs_resumed")
    assert len({(line["thread"], line["number"]) for line in lines}) == len(lines)
    assert len(lines) + counted["dropped"] == 40_000
    # One record is that of the start.
    assert (resumed, counted["records"]) == (counted["dropped"], 40_001)


def test_lines_to_a_file_are_appended(tmp_path: Path, run_script: Callable[[str], Any]) -> None:
    ended = run_script("sys.stdout.write(''); log.info('x')")

    assert ended.events == ["x"]
