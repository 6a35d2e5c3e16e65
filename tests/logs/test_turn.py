"""Whose turn it is at a pipe that several processes share, seen from one of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from observekit.logs import turn
from observekit.logs.turn import Turn

HOLDS = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def shared() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def holder(descriptor: int) -> subprocess.Popen[str]:
    """Return a process whose turn it is."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(descriptor)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[descriptor],
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_a_turn_comes_when_the_process_that_had_it_ends(shared: tuple[int, int]) -> None:
    other, asked = holder(shared[1]), list[int]()

    def late() -> bool:
        asked.append(1)
        if len(asked) == 3:
            end(other)
        return False

    Turn(shared[1]).take(late)

    assert len(asked) >= 3
    assert other.returncode == 0


def test_who_has_no_turn_for_long_goes_on_without(
    shared: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "_PATIENCE_SECONDS", 0.05)
    other, mine = holder(shared[1]), Turn(shared[1])

    mine.take(lambda: False)

    assert other.poll() is None
    assert not mine._taken()
    end(other)


def test_at_the_end_nobody_waits_for_a_turn_where_nobody_reads(shared: tuple[int, int]) -> None:
    other = holder(shared[1])
    os.set_blocking(shared[1], False)
    with suppress(BlockingIOError):
        while True:
            os.write(shared[1], b"x" * 65536)
    asked: list[int] = []

    def ending() -> bool:
        asked.append(1)
        return True

    Turn(shared[1]).take(ending)

    assert asked == [1]
    end(other)


def test_a_long_turn_is_shared_and_taken_again(
    shared: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "TURN_SECONDS", 0.0)
    mine, given = Turn(shared[1]), list[bool]()
    mine.take(lambda: False)
    give = Turn.give

    def gives(one: Turn) -> None:
        given.append(True)
        give(one)

    monkeypatch.setattr(Turn, "give", gives)

    mine.share(lambda: False)
    mine.share(lambda: True)  # At the end there is no time for that.

    assert given == [True]
    give(mine)


def test_what_cannot_be_locked_is_everybodys_at_any_time() -> None:
    descriptor = os.open("/dev/null", os.O_WRONLY)
    os.close(descriptor)
    mine = Turn(descriptor)

    assert mine._taken()
    mine.give()
