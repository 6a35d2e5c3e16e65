"""Start-up tasks, and instances that are kept out of traffic for a while."""

import asyncio

import pytest

from observekit.errors import RegistrationError
from observekit.health.lifecycle import Lifecycle
from observekit.health.tasks import StartupTask


def test_a_task_tells_how_far_it_is_and_that_it_is_done() -> None:
    told: list[tuple[str, str, str | None]] = []

    def hear(task: StartupTask, error: BaseException | None) -> None:
        told.append((task.name, task.state, None if error is None else str(error)))

    life = Lifecycle()
    life.tasks.told = hear

    with life.startup_task("model", total=4) as task:
        task.advance()
        task.advance(2)
        during = task.ratio, life.tasks.are_done()

    assert during == (0.75, False)
    assert (task.ratio, life.tasks.are_done(), told) == (1.0, True, [("model", "done", None)])


def test_a_task_that_fails_is_never_done_and_its_exception_goes_on() -> None:
    life = Lifecycle()

    async def warm_up() -> None:
        async with life.startup_task("cache"):
            raise ConnectionError("no cache")

    with pytest.raises(ConnectionError):
        asyncio.run(warm_up())

    assert [(task.name, task.state, task.ratio) for task in life.tasks.all()] == [("cache", "failed", 0.0)]
    assert not life.tasks.are_done()


def test_a_task_that_failed_can_be_begun_anew() -> None:
    life = Lifecycle()
    with pytest.raises(OSError, match="first"), life.startup_task("cache"):
        raise OSError("first")

    with life.startup_task("cache"):
        pass

    assert life.tasks.are_done()


def test_a_new_life_knows_nothing_of_the_tasks_of_the_last() -> None:
    life = Lifecycle()
    with pytest.raises(OSError, match="gone"), life.startup_task("cache"):
        raise OSError("gone")
    life.stop()

    life.begin_startup()

    assert life.tasks.all() == ()


@pytest.mark.parametrize(
    ("name", "total", "problem"),
    [
        (
            "load it",
            None,
            (
                "'load it' cannot name a start-up task; it must be 1 to 64 letters, digits, '_', '.' or '-', "
                "and begin with a letter or digit."
            ),
        ),
        ("model", 0, "total of start-up task 'model' is 0, but must be above 0, or None if unknown."),
        ("taken", None, "a start-up task 'taken' is at work already; names must differ."),
    ],
)
def test_a_task_that_cannot_be_is_refused(name: str, total: float | None, problem: str) -> None:
    life = Lifecycle()
    life.startup_task("taken")

    with pytest.raises(RegistrationError) as told:
        life.startup_task(name, total)

    assert str(told.value) == problem


def test_maintenance_is_told_when_it_changes_and_leaves_the_life_as_it_is() -> None:
    told: list[tuple[bool, str]] = []

    def hear(on: bool, cause: str) -> None:
        told.append((on, cause))

    life = Lifecycle(maintained=hear)
    life.serving()

    for on in (True, True, False, False):
        life.maintenance(on, "index is rebuilt")

    assert (told, life.state) == ([(True, "index is rebuilt"), (False, "index is rebuilt")], "ready")
