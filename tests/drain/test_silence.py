"""Who says nothing, or something else, is no yes: for ``observekit drain`` and for ``observekit probe``."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from observekit import Kit
from observekit.cli import main
from observekit.cli.processes import is_below, parent_of
from tests.drain.peers import Answer, Said, at_port, report, says_nothing, sibling
from tests.drain.service import get, until

pytestmark = pytest.mark.once

Make = Callable[..., Kit]
NOW = ("--delay", "0", "--timeout", "0")
OTHERS: dict[str, Answer] = {
    "nothing": says_nothing,
    "another status": lambda *_: Said(404),
    "something else": lambda *_: Said(200, {"hello": "there"}),
}


@pytest.mark.parametrize("said", OTHERS)
@pytest.mark.parametrize("question", ["live", "ready", "startup"])
def test_one_worker_that_says_nothing_is_no_yes_of_its_sibling(
    make_kit: Make, tmp_path: Path, said: str, question: str
) -> None:
    make_kit(service_name="orders", management=True).lifecycle.serving()

    with sibling(tmp_path, OTHERS[said]):
        assert main(["probe", question]) == (4 if said == "nothing" else 1 if said == "another status" else 0)


@pytest.mark.parametrize("said", OTHERS)
@pytest.mark.parametrize("arguments", [NOW, ("--no-wait",)], ids=" ".join)
def test_a_drain_of_which_one_worker_says_nothing_is_not_done(
    make_kit: Make, tmp_path: Path, said: str, arguments: tuple[str, ...]
) -> None:
    kit = make_kit(service_name="orders", management=True)
    kit.lifecycle.serving()

    with sibling(tmp_path, OTHERS[said]):
        drained = main(["drain", *arguments])
        state = kit.lifecycle.state
        undone = main(["drain", "--undo"])

    assert (drained, state, undone, kit.lifecycle.state) == (
        4,
        "draining",
        4,
        "ready",
    )


def test_a_worker_that_did_not_come_to_it_the_first_time_is_told_again(
    make_kit: Make, tmp_path: Path
) -> None:
    make_kit(service_name="orders", management=True).lifecycle.serving()
    told: list[str] = []

    def late(method: str, _: str) -> Said | None:
        told.append(method)
        if method == "POST" and told.count("POST") == 1:
            return None
        return report("draining" if told.count("POST") > 1 else "ready")

    with sibling(tmp_path, late):
        assert main(["drain", "--delay", "0", "--timeout", "60"]) == 0

    assert told.count("POST") == 2


def test_a_worker_that_goes_on_is_not_drained(
    make_kit: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_kit(service_name="orders", management=True).lifecycle.serving()

    with sibling(tmp_path, lambda *_: report("ready")):
        assert main(["drain", *NOW]) == 4

    assert capsys.readouterr().err == "observekit: time is up, and 1 processes do not drain\n"


@pytest.mark.parametrize("command", [("drain", *NOW), ("probe", "live")])
def test_a_port_that_is_none_of_ours_is_told_from_one_that_is(
    make_kit: Make, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    make_kit()
    with at_port(lambda *_: Said(404)) as port:
        assert main([*command, "--ops-port", str(port)]) == 4

    assert capsys.readouterr().err == (
        f"observekit: port {port} answers 404 where an ops port says how far its service is. Is it that of "
        "the application? Name the one of OBSERVEKIT_OPS_PORT, by --ops-port.\n"
    )


@pytest.mark.parametrize("command", [("drain", *NOW), ("drain", "--undo"), ("probe", "live")])
def test_a_port_that_says_nothing_is_no_yes(make_kit: Make, command: tuple[str, ...]) -> None:
    make_kit()
    with at_port(says_nothing) as port:
        assert main([*command, "--ops-port", str(port)]) == 4


@pytest.mark.parametrize(
    ("others", "code"),
    [
        (report("draining", in_flight=2, routes={"GET /slow": 2}), 1),
        (report("draining"), 0),
        (report("ready"), 4),
        (None, 4),
    ],
)
def test_a_port_speaks_for_all_workers(
    make_kit: Make,
    tmp_path: Path,
    others: Said | None,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kit = make_kit(service_name="orders", management=True, ops_port=0)
    kit.lifecycle.serving()

    with sibling(tmp_path, lambda *_: others) as asked:
        assert main(["drain", "--ops-port", str(kit.ops_port), *NOW]) == code

    assert any(one.startswith("POST /drain?alone&cause=") for one in asked)
    told = capsys.readouterr().err
    assert told == "observekit: time is up with 2 in flight: 2 GET /slow\n" if code == 1 else code or not told


def test_a_port_speaks_for_all_workers_where_there_is_no_further_thread(
    make_kit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(service_name="orders", management=True, ops_port=0)
    kit.lifecycle.serving()
    start = Thread.start

    def refuse(thread: Thread) -> None:
        if thread.name == "observekit-siblings":
            raise RuntimeError("can't start new thread")
        start(thread)

    with sibling(tmp_path, lambda *_: report("draining")) as asked:
        monkeypatch.setattr("threading.Thread.start", refuse)
        code = main(["drain", "--ops-port", str(kit.ops_port), *NOW])

    assert (code, kit.lifecycle.state) == (0, "draining")
    assert any(one.startswith("POST /drain?alone&cause=") for one in asked)


def test_who_is_sought_below_process_1_is_found() -> None:
    first = os.getpid()
    while parent := parent_of(first):  # Who was put into this container from outside has 0 for one.
        first = parent

    assert is_below(os.getpid(), first)
    assert not is_below(first, os.getpid())


def test_a_stranger_that_says_nothing_is_not_told_what_was_meant_for_another_service(
    make_kit: Make, tmp_path: Path
) -> None:
    kit = make_kit(service_name="orders", management=True)
    with sibling(tmp_path, says_nothing) as asked:
        kit.shutdown()

        assert main(["drain", "--service", "payments", *NOW]) == 4

    assert asked == ["GET /drain"]


def test_a_drain_while_it_starts_can_be_taken_back(make_kit: Make) -> None:
    kit = make_kit(service_name="orders", management=True)
    codes = [main(["drain", *NOW]), main(["drain", "--undo"]), main(["drain", "--undo"])]

    assert (codes, kit.lifecycle.state) == ([0, 0, 0], "starting")


def test_liveness_on_the_port_is_that_of_all_workers(make_kit: Make, tmp_path: Path) -> None:
    kit = make_kit(service_name="orders", management=True, ops_port=0, liveness_stall_seconds=1)
    kit.lifecycle.serving()
    port, state = kit.ops_port or 0, ["ok"]

    def life(_: str, path: str) -> Said | None:
        return None if state == ["silent"] else Said(200 if state == ["ok"] else 503)

    def answers(status: int) -> bool:
        return get(port, "/livez").status == status

    told = []
    with sibling(tmp_path, life):
        for state[0], wanted in (("ok", 200), ("stuck", 503), ("ok", 200), ("silent", 503)):
            until(partial(answers, wanted), f"not {wanted}")
            told.append(get(port, "/livez?verbose").body.splitlines()[-2:])
    until(partial(answers, 200), "who has ended is missed")

    dead = ["1 of 2 workers live", "failed"]
    assert told == [["ok"], dead, ["ok"], dead]
