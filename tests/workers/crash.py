"""Kills workers at random instants and holds what is shown to their journals.

``python -m tests.workers.crash --kills 300`` is the long form; the short one runs with the tests.
"""

import argparse
import mmap
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

from observekit.metrics.workers.group import Group
from observekit.metrics.workers.shapes import Shape

from .crew import in_memory

WORKERS = 4
SERIES = 300
TEND_EVERY = 97

_REQUESTS = Shape("requests_total", "counter", "Requests.", "", ("route",), (), "sum")
_ALIVE = Shape("alive", "gauge", "Who lives.", "", (), (), "live_sum")


class Journal:
    """How many requests a worker has begun to count, and how many it has counted, whatever became of it."""

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, 16 * workers)).cast("Q")

    def began(self, worker: int) -> int:
        """Return how many it has begun to count."""
        return self._cells[2 * worker]

    def bounds(self, workers: int) -> tuple[int, int]:
        """Return the least and the most that the first *workers* have counted."""
        least = sum(self._cells[2 * worker + 1] for worker in range(workers))
        return least, sum(self._cells[2 * worker] for worker in range(workers))

    def work(self, worker: int, directory: Path) -> None:
        """Count for ever, with a new series now and then, and tend often."""
        failures: list[BaseException] = []
        group = Group(directory, failures.append)
        group.join()
        group.record(_ALIVE, ())[0] = 1.0
        values = dict.fromkeys(range(SERIES), 0.0)
        done = 0
        while not failures:
            route = done % min(SERIES, 1 + done // 3)
            self._cells[2 * worker] = done + 1
            values[route] += 1.0
            group.record(_REQUESTS, (str(route),))[0] = values[route]
            done += 1
            self._cells[2 * worker + 1] = done
            if done % TEND_EVERY == 0:
                group.tend()
        os.write(2, f"{failures!r}\n".encode())


def run(directory: Path, kills: int, seed: int) -> list[str]:
    """Kill *kills* workers, look after each, and return what was wrong."""
    dice, journal = random.Random(seed), Journal(WORKERS + kills)  # noqa: S311 -- dice
    failures: list[BaseException] = []
    watcher = Group(directory, failures.append)
    living = {worker: _start(journal, worker, directory) for worker in range(WORKERS)}
    wrong, shown = list[str](), 0.0
    try:
        for kill in range(kills):
            started = WORKERS + kill
            victim = dice.choice(list(living))
            if not _has_counted(journal, victim, living[victim], dice.randrange(1, 500)):
                return [*wrong, "a worker has ended by itself", *map(repr, failures)]
            os.kill(living[victim], signal.SIGKILL)
            shown = _look(watcher, journal, started, shown, wrong)
            os.waitpid(living.pop(victim), 0)
            living[started] = _start(journal, started, directory)
            shown = _look(watcher, journal, started + 1, shown, wrong)
    finally:
        for pid in living.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    _look(watcher, journal, WORKERS + kills, shown, wrong)
    wrong += _settle(watcher, journal, directory, WORKERS + kills)
    return [*wrong, *map(repr, failures)]


def _start(journal: Journal, worker: int, directory: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(120)
            journal.work(worker, directory)
        finally:
            os._exit(1)
    return pid


def _has_counted(journal: Journal, worker: int, pid: int, more: int) -> bool:
    """Wait until *worker* has begun to count *more*; False if it has ended instead."""
    target = journal.began(worker) + more
    while journal.began(worker) < target:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
        os.sched_yield()
    return True


def _look(watcher: Group, journal: Journal, workers: int, shown: float, wrong: list[str]) -> float:
    least = journal.bounds(workers)[0]
    total = sum(values[0] for values in watcher.snapshot().series(_REQUESTS).values())
    most = journal.bounds(workers)[1]
    if not least <= total <= most:
        wrong.append(f"{total} is shown, of {least} to {most}")
    if total < shown:
        wrong.append(f"{total} is shown, after {shown}")
    return total


def _settle(watcher: Group, journal: Journal, directory: Path, workers: int) -> list[str]:
    """Fold all that is left, and return what is wrong then."""
    wrong, least_and_most = list[str](), journal.bounds(workers)
    watcher.join()
    watcher.tend()
    snapshot = watcher.snapshot()
    total = sum(values[0] for values in snapshot.series(_REQUESTS).values())
    if not least_and_most[0] <= total <= least_and_most[1]:
        wrong.append(f"{total} is folded, of {least_and_most}")
    if snapshot.series(_ALIVE):
        wrong.append(f"{snapshot.series(_ALIVE)} live")
    names = sorted(path.name for path in directory.iterdir())
    if len(names) > 2 + 2:
        wrong.append(f"{names} are left")
    return wrong


def main() -> int:
    """Run the long form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 -- dice
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=in_memory()) as home:
        wrong = run(Path(home) / "group", arguments.kills, arguments.seed)
    for line in wrong:
        print(line)  # noqa: T201 -- a command
    print(f"{arguments.kills} kills, seed {arguments.seed}: {len(wrong)} wrong")  # noqa: T201 -- a command
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
