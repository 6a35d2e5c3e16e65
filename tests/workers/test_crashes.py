"""Workers die at any instant, also while they add up the dead: nothing is lost, and nothing counts twice."""

import os
import random
from pathlib import Path

import pytest

from .conftest import Crew
from .crash import run
from .crew import total


@pytest.mark.once
@pytest.mark.timeout(180)
def test_sixty_kills_at_random_instants_lose_and_double_nothing(home: Path) -> None:
    assert run(home / "group", 60, random.randrange(10**6)) == []  # noqa: S311 -- dice


def _steps(crew: Crew) -> list[str]:
    """Return the steps that it takes to fold two workers."""
    for _ in range(2):
        crew.worker().kill()
    steps = crew.worker().tell("steps")
    assert isinstance(steps, list)
    return steps


def test_a_crash_in_any_step_of_folding_loses_and_doubles_nothing(crew: Crew) -> None:
    watcher, expected = crew.watcher(), 0.0
    steps = _steps(crew)
    assert steps == ["refresh", "read", "write", "close", "replace", "reread", *["unlink"] * 4]

    for at, step in enumerate(steps):
        victims = [crew.worker(), crew.worker()]
        for amount, victim in enumerate(victims, 1):
            victim.add("/", amount)
            victim.add(f"/{at}", amount)
            victim.kill()
        folder, expected = crew.worker(), expected + 6
        with pytest.raises(EOFError):
            folder.tell("tend", step, steps[:at].count(step))
        folder.wait()

        assert total(watcher) == expected
        assert total(crew.watcher()) == expected  # Who comes now sees the same as who knew the files.
        heir = crew.worker()
        heir.tell("tend")
        assert total(watcher) == total(crew.watcher()) == heir.tell("total") == expected
        heir.kill()
    last = crew.worker()
    last.tell("tend")
    assert len(crew.files()) == 6  # Two workers live; and the sum, and the lock.
    assert not crew.failures


def test_readers_see_totals_rise_only_while_workers_are_folded(crew: Crew) -> None:
    watcher, newcomer = crew.watcher(), crew.worker()
    seen = [0.0]

    for _ in range(20):
        worker = crew.worker()
        worker.add("/", 1)
        worker.kill()
        seen.append(total(watcher))
        newcomer.tell("tend")
        seen += [total(watcher), total(crew.watcher()), newcomer.tell("total")]

    assert seen == sorted(seen)
    assert seen[-1] == 20.0


def test_a_reader_between_any_two_steps_of_folding_sees_the_same(crew: Crew) -> None:
    watcher, folder = crew.watcher(), crew.watcher()
    folder.join()
    for _ in range(3):
        worker = crew.worker()
        worker.add("/", 1)
        worker.kill()
    knew = crew.watcher()
    seen = [total(knew)]

    folder.tend(lambda _: seen.append(total(watcher) + total(crew.watcher()) - total(knew)))

    assert len(seen) > 8
    assert set(seen) == {3.0}
    folder.leave()


def test_a_reader_looks_again_if_workers_were_folded_while_it_looked(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, worker = crew.worker(), crew.worker()
    worker.add("/", 1)
    worker.kill()
    looked: list[str] = []

    def listdir(path: str) -> list[str]:
        if not looked:
            folder.tell("tend")  # After the sum of the dead was read: it was not in there.
        looked.append(path)
        return real(path)

    real = os.listdir
    monkeypatch.setattr(os, "listdir", listdir)

    assert total(crew.watcher()) == 1.0
    assert len(looked) == 2
