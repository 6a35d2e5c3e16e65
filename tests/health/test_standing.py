"""What a check is taken to say when its results go back and forth."""

import random
from collections.abc import Callable
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.health.check import Result
from observekit.health.standing import Standing

if TYPE_CHECKING:
    from tests.health.conftest import Bench

PERIOD = 2.0


def shown(standing: Standing, results: str, period: float = PERIOD) -> str:
    """Return what *standing* says after each result, ``+`` for one that passes."""
    said = ""
    for number, sign in enumerate(results):
        standing.take(Result("ok" if sign == "+" else "failed", 0.0), number * period)
        said += "+" if standing.status == "ok" else "-"
    return said


@pytest.mark.parametrize(
    ("fail_after", "pass_after", "results", "said"),
    [
        (1, 1, "+-+--+", "+-+--+"),
        (2, 2, "-++", "--+"),
        (2, 2, "+-+-+-+", "+++++++"),
        (2, 2, "+--+-+-", "++-----"),
        (2, 3, "+--+++", "++---+"),
        (3, 1, "+--+---+", "++++++-+"),
    ],
)
def test_so_many_in_a_row_change_what_is_said(
    fail_after: int, pass_after: int, results: str, said: str
) -> None:
    assert shown(Standing(fail_after, pass_after), results) == said


def test_who_comes_back_and_fails_again_has_to_pass_longer_each_time() -> None:
    standing = Standing(fail_after=1, pass_after=2)
    rounds = [3, 9, 20, 20]

    said = shown(standing, "+" + "".join("-" + "+" * passes for passes in rounds))

    assert said == "+" + "--++" + "-" * 8 + "++" + "-" * 15 + "+" * 6 + "-" * 15 + "+" * 6


def test_a_failure_long_after_the_last_is_forgiven_as_the_first_was() -> None:
    standing = Standing(fail_after=1, pass_after=2)
    shown(standing, "+-++-+")

    said = shown(standing, "+" * 20 + "-" + "+" * 200 + "-++")

    assert said.endswith("+--+")


@pytest.mark.parametrize("seed", range(20))
def test_what_toggles_for_two_minutes_makes_few_changes(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- a way that opens and closes every 0.3 s, met at any moment
    results = "".join(chance.choice("+-") for _ in range(60))

    said = shown(Standing(fail_after=2, pass_after=2), results)

    assert sum(before != after for before, after in pairwise(said)) <= 6


@given(st.text("+-", min_size=1), st.integers(1, 4), st.integers(1, 4))
def test_whatever_comes_a_long_row_of_one_kind_is_believed(
    results: str, fail_after: int, pass_after: int
) -> None:
    for sign in "+-":
        assert shown(Standing(fail_after, pass_after), results + sign * 20)[-1] == sign


def test_one_failure_is_not_told_and_two_are(make_bench: "Callable[..., Bench]") -> None:
    bench = make_bench(fail_after=2, pass_after=2)
    answers = iter([True, False, True, False, False, True, True])
    bench.add(lambda: next(answers))

    said = [bench.run(bench.ask_anew()) for _ in range(7)]

    assert said == [("ok",)] * 4 + [("failed",)] * 2 + [("ok",)]
    assert bench.changed == [("check", None, "ok"), ("check", "ok", "failed"), ("check", "failed", "ok")]


def test_a_check_that_hangs_for_a_second_period_has_failed_twice(make_bench: "Callable[..., Bench]") -> None:
    bench = make_bench(fail_after=2)
    release = Event()
    fine = [True]
    bench.add(lambda: fine.pop() if fine else release.wait(30), timeout_seconds=0.5)

    said = [bench.run(bench.ask_anew()) for _ in range(3)]
    release.set()

    assert said == [("ok",), ("ok",), ("timeout",)]
