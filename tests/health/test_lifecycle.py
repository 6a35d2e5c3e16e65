"""The life of a process goes one way, and starts anew only with a start-up."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.health.lifecycle import Lifecycle, State

CALLS: dict[str, Callable[[Lifecycle], None]] = {
    "begin": Lifecycle.begin_startup,
    "finish": lambda life: life.finish_startup("application has started"),
    "serving": Lifecycle.serving,
    "drain": Lifecycle.drain,
    "stop": Lifecycle.stop,
    "fail": lambda life: life.fail("out of memory"),
}


def _lived(*calls: str) -> list[State]:
    """Return the states that these calls lead through."""
    states: list[State] = ["starting"]
    life = Lifecycle(lambda _, state, __: states.append(state))
    for call in calls:
        CALLS[call](life)
    return states


@pytest.mark.parametrize(
    ("calls", "states"),
    [
        (["begin", "finish"], ["starting", "ready"]),
        (["serving"], ["starting", "ready"]),
        (["begin", "serving"], ["starting"]),
        (["begin", "begin", "finish"], ["starting"]),
        (["begin", "begin", "finish", "finish"], ["starting", "ready"]),
        (["begin", "drain", "finish", "serving"], ["starting", "draining"]),
        (["serving", "drain", "drain", "serving", "stop"], ["starting", "ready", "draining", "stopped"]),
        (["serving", "stop", "drain", "serving", "fail"], ["starting", "ready", "stopped"]),
        (["begin", "fail", "finish", "serving"], ["starting", "broken"]),
        (["serving", "fail", "drain"], ["starting", "ready", "broken", "draining"]),
        (["begin", "finish", "stop", "begin"], ["starting", "ready", "stopped", "starting"]),
        (
            ["begin", "finish", "stop", "begin", "finish"],
            ["starting", "ready", "stopped", "starting", "ready"],
        ),
        (["begin", "fail", "begin", "finish"], ["starting", "broken", "starting", "ready"]),
        (["begin", "begin", "fail", "begin", "finish"], ["starting", "broken", "starting", "ready"]),
        (["begin", "finish", "drain", "begin", "finish"], ["starting", "ready", "draining"]),
        (["finish", "finish", "drain"], ["starting", "ready", "draining"]),
    ],
    ids="-".join,
)
def test_a_life_goes_through_these_states(calls: list[str], states: list[State]) -> None:
    assert _lived(*calls) == states


@given(st.lists(st.sampled_from(sorted(CALLS))))
def test_ready_never_comes_back_but_through_starting(calls: list[str]) -> None:
    states = _lived(*calls)

    before_ready = {before for before, state in pairwise(states) if state == "ready"}
    before_starting = {before for before, state in pairwise(states) if state == "starting"}
    assert before_ready <= {"starting"}
    assert before_starting <= {"stopped", "broken"}


@given(st.lists(st.sampled_from(sorted(CALLS))))
def test_exactly_one_state_holds(calls: list[str]) -> None:
    life = Lifecycle()
    for call in calls:
        CALLS[call](life)

    shown = {state: value for (state,), value in life.readings()}

    assert shown == {
        state: float(state == life.state) for state in ("starting", "ready", "draining", "stopped", "broken")
    }


def test_a_change_is_told_with_its_cause() -> None:
    told: list[tuple[State, State, str]] = []

    def tell(*change: *tuple[State, State, str]) -> None:
        told.append(change)

    life = Lifecycle(tell)

    life.serving()
    life.drain("deployment")
    life.stop()

    assert told == [
        ("starting", "ready", "first request"),
        ("ready", "draining", "deployment"),
        ("draining", "stopped", "asked to"),
    ]
