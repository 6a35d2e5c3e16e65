"""The last lines of children of multiprocessing, which end without ``atexit``, are written."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[[str], Any]


@pytest.mark.parametrize("imported", ["before", "after"])
def test_a_forked_child_that_returns_has_written_its_lines(run_script: Run, imported: str) -> None:
    again = "kit.shutdown()\nimport multiprocessing\nkit = setup(log_format='json', traces=False)\n"
    ended = run_script(
        f"{again if imported == 'before' else 'import multiprocessing'}\n"
        "def work():\n"
        "    for number in range(100):\n"
        "        log.info('of the child')\n"
        "child = multiprocessing.get_context('fork').Process(target=work)\n"
        "child.start()\n"
        "child.join()\n"
        "log.info('of the parent')\n"
    )

    assert (ended.code, ended.errors) == (0, "")
    assert sorted(ended.events) == ["of the child"] * 100 + ["of the parent"]


def test_a_child_that_sets_up_itself_has_written_its_lines(run_script: Run) -> None:
    ended = run_script(
        "kit.shutdown()\n"
        "import multiprocessing\n"
        "def work():\n"
        "    setup(log_format='json', traces=False)\n"
        "    structlog.get_logger('script').info('of the child')\n"
        "    sys.exit(3)\n"
        "child = multiprocessing.get_context('fork').Process(target=work)\n"
        "child.start()\n"
        "child.join()\n"
        "sys.exit(child.exitcode)\n"
    )

    assert (ended.code, ended.errors, ended.events) == (3, "", ["of the child"])


def test_a_grandchild_has_written_its_lines(run_script: Run) -> None:
    ended = run_script(
        "import multiprocessing\n"
        "context = multiprocessing.get_context('fork')\n"
        "def work(depth):\n"
        "    if depth:\n"
        "        child = context.Process(target=work, args=(depth - 1,))\n"
        "        child.start()\n"
        "        child.join()\n"
        "    log.info('at %d', depth)\n"
        "work(2)\n"
    )

    assert (ended.code, ended.errors, ended.events) == (0, "", ["at 0", "at 1", "at 2"])
