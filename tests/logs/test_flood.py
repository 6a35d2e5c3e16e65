"""In a flood, whoever has filled a piece writes it, and nobody waits; no line is lost or forgotten."""

import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from observekit.logs import writer
from observekit.logs.flood import FLOOD_BYTES
from tests.logs.bench import LIMIT, LINE, Bench, read_all
from tests.waiting import until


def test_a_long_line_wakes_who_waits_for_lines(pipe: tuple[int, int], tmp_path: Path) -> None:
    with (tmp_path / "lines").open("wb") as file:
        for bench in (Bench(pipe[1]), Bench(file.fileno())):
            bench.writer.write(LINE)
            until(partial(getattr, bench.writer, "_idle"))

            bench.writer.write(b"y" * 20_000 + b"\n")

            until(partial(is_empty, bench))
            assert bench.dropped == {}


def test_room_that_an_interrupted_caller_did_not_give_back_is_free_again(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    bench.writer._waiting += 5_000  # As an exception leaves it that comes before the line is there.

    bench.writer.write(LINE)

    until(partial(is_empty, bench))
    assert read_all(pipe[0]) == [LINE]


@pytest.fixture
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that writes never gets its turn, as beside a busy one."""
    monkeypatch.setattr(writer, "start_new_thread", lambda *_: None)


@pytest.mark.usefixtures("_no_thread")
def test_whoever_fills_a_piece_in_a_flood_writes_it(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])

    for _ in range(FLOOD_BYTES // len(LINE) + 1):
        bench.writer.write(LINE)

    found = read_all(pipe[0])
    assert len(found) * len(LINE) >= FLOOD_BYTES
    assert bench.writer.fill() * LIMIT == (FLOOD_BYTES // len(LINE) + 1 - len(found)) * len(LINE)


@pytest.mark.usefixtures("_no_thread")
def test_a_flood_is_left_to_the_thread_where_a_disk_or_a_reader_could_hold_up_the_caller(
    pipe: tuple[int, int], tmp_path: Path
) -> None:
    os.set_blocking(pipe[1], False)
    full = fill(pipe[1])
    near, far = socket.socketpair()
    with (tmp_path / "lines").open("wb") as file, near, far:
        for descriptor in (file.fileno(), near.fileno(), pipe[1]):
            bench = Bench(descriptor)

            for _ in range(1000):
                bench.writer.write(LINE)

            assert (bench.writer.fill() * LIMIT, bench.dropped) == (1000 * len(LINE), {})
        assert (tmp_path / "lines").stat().st_size == 0
    assert len(b"".join(read_all(pipe[0]))) == full


@pytest.mark.usefixtures("_no_thread")
def test_nobody_writes_more_than_one_piece_of_a_flood_however_much_waits(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    with bench.writer._writing:
        for _ in range(4 * FLOOD_BYTES // len(LINE)):
            bench.writer.write(LINE)
    assert read_all(pipe[0]) == []

    bench.writer.write(LINE)

    assert FLOOD_BYTES <= len(read_all(pipe[0])) * len(LINE) < FLOOD_BYTES + select.PIPE_BUF


@pytest.mark.usefixtures("_no_thread")
def test_a_flood_leaves_a_number_alone_that_became_another_pipe(pipe: tuple[int, int]) -> None:
    foreign, to_foreign = os.pipe()
    bench = Bench(pipe[1])
    assert bench.writer._output is not None
    number = bench.writer._output._descriptor
    os.dup2(to_foreign, number)

    for _ in range(2 * FLOOD_BYTES // len(LINE)):
        bench.writer.write(LINE)
    found = read_all(foreign) + read_all(pipe[0])
    for descriptor in (foreign, to_foreign, number):
        os.close(descriptor)

    assert (found, bench.writer.fill() * LIMIT) == ([], 2 * FLOOD_BYTES // len(LINE) * len(LINE))


def is_empty(bench: Bench) -> bool:
    return bench.writer.fill() == 0


def fill(descriptor: int) -> int:
    """Fill a pipe that does not block; return how many bytes it took."""
    taken = 0
    with suppress(BlockingIOError):
        while True:
            taken += os.write(descriptor, LINE)
    return taken


INTERRUPTED = """
from contextlib import suppress
from tests.logs.bench import LIMIT, Bench
reader, writer = os.pipe()
bench, found = Bench(writer, limit=4 * LIMIT), []
lines = os.fdopen(reader, "rb", closefd=False)
thread = threading.Thread(target=lambda: found.extend(iter(lines.readline, b"end\\n")), daemon=True)
thread.start()
# A list: nothing that is called to look at it, or to change it, can be interrupted.
writing, written = [False], 0
def interrupt(*_):
    if writing[0]: raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
for number in range(20_000):
    with suppress(KeyboardInterrupt):
        writing[0] = True
        if number % 50 == 0: signal.setitimer(signal.ITIMER_REAL, 0.0001)
        bench.writer.write(b"%099d\\n" % number)
        written += 1
        writing[0] = False
signal.setitimer(signal.ITIMER_REAL, 0)
bench.writer.write(b"end\\n")
bench.writer.close(20)
thread.join(20)
numbers = [int(line) for line in found]
ordered = list(dict.fromkeys(numbers)) == sorted(set(numbers))
told = {"ordered": ordered, "dropped": bench.dropped, "fill": bench.writer.fill()}
log.info("told", written=written, found=len(set(numbers)), **told)
"""


def test_a_signal_handler_that_raises_in_a_flood_costs_no_line(run_script: Callable[[str], Any]) -> None:
    # In a process of its own: coverage has a lock that an exception in the middle of it leaves held for ever.
    (told,) = [one for one in run_script(INTERRUPTED).lines if one["event"] == "told"]

    assert (told["ordered"], told["dropped"], told["fill"]) == (True, {}, 0)
    assert told["written"] <= told["found"] <= 20_000
