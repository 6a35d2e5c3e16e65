"""A process and its sibling are managed as one service, whichever of them is asked."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, setup
from observekit.cli import main
from observekit.health.place import RUN_VARIABLE, Place, make_run
from tests.waiting import until

pytestmark = pytest.mark.once

SIBLING = """
import sys
from observekit import setup
kit = setup(management=True, log_format="json", traces=False)
kit.lifecycle.serving()
print("here", flush=True)
sys.stdin.read()
kit.shutdown()
"""

Make = Callable[..., Kit]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where the processes of one start of a service meet."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = make_run(os.environ)
    monkeypatch.setenv(RUN_VARIABLE, str(made.path))
    return made


@pytest.fixture
def sibling(place: Place) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", SIBLING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        until(place.sockets)
        yield process
        process.communicate()


@pytest.fixture
def make_kit(place: Place) -> Iterator[Make]:
    """Set up this process as another one of the service, and end it with the test."""
    with ExitStack() as ends:

        def make() -> Kit:
            kit = setup(registry=CollectorRegistry(), log_format="json", traces=False)
            ends.callback(kit.shutdown)
            kit.lifecycle.serving()
            return kit

        yield make


def changed(kit: Kit) -> list[tuple[str, str]]:
    assert kit.levels is not None
    return [(one["logger"], one["level"]) for one in kit.levels.report()]


@pytest.mark.usefixtures("sibling")
def test_who_comes_later_takes_over_the_levels_and_all_get_them_back(
    make_kit: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [main(["level", "shop", "debug"])]
    kit = make_kit()
    until(lambda: changed(kit))
    taken_over = changed(kit)
    asked.append(main(["level", "shop.orders", "warning"]))
    both = sorted(changed(kit))
    told = capsys.readouterr().out
    asked += [main(["level", "shop", "--undo"]), main(["level", "shop.orders", "--undo"])]

    assert asked == [0, 0, 0, 0]
    assert taken_over == [("shop", "debug")]
    assert both == [("shop", "debug"), ("shop.orders", "warning")]
    assert "shop.orders is warning for 15m in 2 processes" in told
    assert (changed(kit), logging.getLogger("shop").level) == ([], logging.NOTSET)


@pytest.mark.usefixtures("sibling")
def test_a_drain_is_that_of_all_and_of_those_who_come_while_it_lasts(make_kit: Make, place: Place) -> None:
    first = make_kit()
    asked = [main(["drain", "--delay", "0"])]
    during = first.lifecycle.state, place.flag() is not None
    first.shutdown()
    later = make_kit()
    states: list[str] = [later.lifecycle.state]
    asked.append(main(["drain", "--undo"]))
    states.append(later.lifecycle.state)

    assert (asked, during, states) == ([0, 0], ("draining", True), ["draining", "ready"])
    assert place.flag() is None


def test_a_place_that_cannot_be_used_leaves_the_service_unmanaged_and_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = place.path / "file"
    file.touch()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(file))
    monkeypatch.delenv(RUN_VARIABLE)

    kit = setup(registry=CollectorRegistry(), management=True, log_format="json", traces=False)
    kit.shutdown()

    said: list[dict[str, Any]] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [one["level"] for one in said if one["event"] == "observekit.management_unavailable"] == [
        "warning"
    ]
