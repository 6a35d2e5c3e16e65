"""Every line that is handed over is written whole or counted, and nobody waits for the reader."""

import os
import signal
import threading
from pathlib import Path

from observekit.logs.output import opened
from tests.logs.bench import LIMIT, LINE, Bench, read_all, read_lines


def test_a_line_is_written_without_being_asked_again(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])

    bench.writer.write(LINE)

    assert (read_lines(pipe[0], 1), bench.dropped) == ([LINE], {})


def test_a_line_longer_than_the_pipe_is_written_whole(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    line = b"y" * 200_000 + b"\n"
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(os.fdopen(pipe[0], "rb", closefd=False).readline()))
    reader.start()

    bench.writer.write(line)
    reader.join(10)

    assert found == [line]


def test_what_waits_is_counted_right_when_a_signal_handler_writes_in_between() -> None:
    with Path("/dev/null").open("wb") as null:
        bench = Bench(null.fileno())
    before = signal.signal(signal.SIGALRM, lambda *_: bench.writer.write(LINE))
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)

    for _ in range(50_000):
        bench.writer.write(LINE)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    bench.writer.close(5)

    assert bench.writer._waiting == 0


def test_a_stalled_reader_delays_nobody_and_bounds_what_waits(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])

    # Whoever waited for the reader here would wait for ever: it never reads.
    for _ in range(20_000):
        bench.writer.write(LINE)

    assert bench.writer._waiting <= LIMIT
    assert list(bench.dropped) == ["buffer_full"]


def test_what_a_stalled_reader_missed_is_told_when_it_reads_again(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    for _ in range(20_000):
        bench.writer.write(LINE)

    lines = read_lines(pipe[0], 20_000)
    bench.writer.close(5)

    told = [int(line.split()[1]) for line in lines if line.startswith(b"lost")]
    assert sum(told) == bench.dropped["buffer_full"]
    assert [line for line in lines if not line.startswith(b"lost")] == [LINE] * (20_000 - sum(told))
    assert read_all(pipe[0]) == []


def test_a_reader_that_is_gone_costs_the_lines_and_nothing_else(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    os.close(pipe[0])

    for _ in range(100):
        bench.writer.write(LINE)

    assert bench.has_dropped(100)
    assert bench.dropped == {"write_failed": 100}


def test_nothing_is_written_where_there_is_no_output() -> None:
    bench = Bench(None)

    bench.writer.write(LINE)
    bench.writer.close(0)

    assert bench.dropped == {"no_output": 1}


def test_a_descriptor_that_does_not_exist_is_no_output() -> None:
    assert opened(987) is None


def test_a_number_that_became_another_file_is_left_alone(tmp_path: Path) -> None:
    log, foreign = tmp_path / "log", tmp_path / "foreign"
    with log.open("wb") as file:
        bench = Bench(file.fileno())
    assert bench.writer._output is not None
    number = bench.writer._output._descriptor
    with foreign.open("wb") as file:
        os.dup2(file.fileno(), number)

    bench.writer.write(LINE)
    assert bench.has_dropped(1)
    os.close(number)

    assert (foreign.read_bytes(), log.read_bytes(), bench.dropped) == (b"", b"", {"write_failed": 1})


def test_the_descriptor_of_others_is_not_changed(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])

    bench.writer.write(LINE)
    bench.writer.close(1)

    assert (os.get_blocking(pipe[1]), read_all(pipe[0])) == (True, [LINE])


def test_lines_after_the_end_are_written_at_once_and_in_order(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    lines = [b"%d\n" % number for number in range(100)]

    for line in lines[:50]:
        bench.writer.write(line)
    bench.writer.close(5)
    for line in lines[50:]:
        bench.writer.write(line)

    assert (read_all(pipe[0]), bench.dropped) == (lines, {})


def test_the_end_comes_in_time_when_nobody_reads_and_counts_what_is_left(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    for _ in range(2_000):
        bench.writer.write(LINE)

    bench.writer.close(0.2)
    bench.writer.close(5)

    found = b"".join(read_all(pipe[0]))
    assert found.count(LINE) + bench.dropped["write_failed"] == 2_000
    assert bench.writer._waiting == 0


def test_a_pipe_whose_reader_stalls_has_whole_lines_only(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], LINE * 123)  # Another process, so that no number of pieces fills the pipe exactly.
    bench = Bench(pipe[1])
    for _ in range(2_000):
        bench.writer.write(LINE)
    bench.writer.close(0.2)

    *told, last = b"".join(read_all(pipe[0])).split(b"\n")

    # What is lost is told as soon as there is room for that, and more may be lost after it.
    others = [line.split() for line in told if line != LINE.strip()]
    assert [(word, int(lost) > 0) for word, lost in others] == [(b"lost", True)] * len(others)
    assert sum(int(lost) for _, lost in others) <= bench.dropped["write_failed"]
    assert last == b""


def test_a_file_gets_every_line_in_order_and_many_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        bench = Bench(file.fileno())
        lines = [b"%d\n" % number for number in range(20_000)]
        for line in lines:
            bench.writer.write(line)
        bench.writer.close(10)

    assert log.read_bytes() == b"".join(lines)
    assert bench.dropped == {}


def test_a_line_torn_at_the_end_does_not_tear_the_next(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    bench.writer.write(b"z" * 100_000 + b"\n")
    bench.writer.close(0.2)
    torn = b"".join(read_all(pipe[0]))

    bench.writer.write(LINE)

    assert torn == b"z" * len(torn)
    assert read_all(pipe[0]) == [b"\n", b"lost 1\n", LINE]


def test_a_writer_can_be_opened_again(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    for _ in range(20):
        bench.writer.write(LINE)
        bench.writer.close(5)
        bench.writer.reopen()

    bench.writer.write(LINE)

    assert (read_lines(pipe[0], 21), bench.dropped) == ([LINE] * 21, {})


def test_an_end_while_others_write_loses_nothing(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    found: list[bytes] = []
    read = threading.Thread(target=lambda: found.extend(os.fdopen(pipe[0], "rb", closefd=False).readlines()))

    def write() -> None:
        for _ in range(2_000):
            bench.writer.write(LINE)

    threads = [threading.Thread(target=write) for _ in range(4)]

    for thread in (read, *threads):
        thread.start()
    for _ in range(20):
        bench.writer.close(1)
        bench.writer.reopen()
    for thread in threads:
        thread.join(10)
    bench.writer.close(5)
    os.close(pipe[1])
    del bench.writer
    read.join(10)

    lines = [line for line in found if not line.startswith(b"lost")]
    assert set(lines) == {LINE}
    assert len(lines) + sum(bench.dropped.values()) == 8_000


def test_errors_are_the_last_to_go_when_nobody_reads(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    error = b"e" * 99 + b"\n"

    for _ in range(20_000):
        bench.writer.write(LINE)
    routine = bench.dropped["buffer_full"]
    for _ in range(2_000):
        bench.writer.write_urgent(error)
    lines = read_lines(pipe[0], 22_000)
    bench.writer.close(5)

    assert (routine > 0, bench.dropped) == (True, {"buffer_full": routine})
    assert lines.count(error) == 2_000
