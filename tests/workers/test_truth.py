"""Whoever is asked knows what all have counted, whoever has died meanwhile."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from observekit.metrics.workers.merging import combine
from observekit.metrics.workers.shapes import Merge, SharedExemplar
from tests.often import often

from .conftest import Crew
from .crew import DURATION, REQUESTS, Worker, gauge, in_memory, shown, total

if TYPE_CHECKING:
    from observekit.metrics.workers.group import Group

ROUTES = st.sampled_from(["/", "/a", "/ä", "\ud800", '"\\\n'])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.just(0), st.just("")),
        st.tuples(st.just("add"), st.integers(0, 9), ROUTES),
        st.tuples(st.just("observe"), st.integers(0, 9), ROUTES),
        st.tuples(st.sampled_from(["kill", "tend", "leave", "remove"]), st.integers(0, 9), st.just("")),
    ),
    max_size=14,
)


@pytest.mark.often
@given(ACTIONS)
@settings(max_examples=often(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_sum_equals_the_journals_for_any_interleaving(actions: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory(dir=in_memory()) as home:
        crew = Crew(Path(home) / "group")
        try:
            _play(crew, actions)
        finally:
            crew.end()


def _play(crew: Crew, actions: list[tuple[str, int, str]]) -> None:
    watcher, living = crew.watcher(), [crew.worker(), crew.worker()]
    requests: dict[str, float] = {}
    observed: dict[str, list[float]] = {}
    for action, which, route in actions:
        if action == "start" or not living:
            living.append(crew.worker())
            continue
        worker = living[which % len(living)]
        if action == "add":
            worker.add(route, which)
            requests[route] = requests.get(route, 0.0) + which
        elif action == "observe":
            worker.tell("observe", route, which % 3, float(which))
            counts = observed.setdefault(route, [0.0] * 4)
            counts[which % 3] += 1
            counts[3] += which
        else:
            _disturb(crew, watcher, living, worker, action)
        _check(watcher, requests, observed)
    for worker in living:
        worker.tell("tend")
        answer = worker.tell("shown")
        assert answer.get("requests_total", {}) == {route: [value] for route, value in requests.items()}


def _disturb(crew: Crew, watcher: "Group", living: list[Worker], worker: Worker, action: str) -> None:
    if action == "tend":
        worker.tell("tend")
    elif action == "remove":
        watcher.snapshot()  # Somebody has to have it open, to know of it until its worker has noticed.
        crew.file(worker).unlink()
        worker.tell("tend")
    else:
        worker.kill() if action == "kill" else worker.tell("leave")
        living.remove(worker)


def _check(watcher: "Group", requests: dict[str, float], observed: dict[str, list[float]]) -> None:
    answer = shown(watcher)
    assert answer.get("requests_total", {}) == {(route,): [value] for route, value in requests.items()}
    assert answer.get("duration_seconds", {}) == {(route,): values for route, values in observed.items()}


def test_every_worker_tells_the_same(crew: Crew) -> None:
    first, second, third = (crew.worker() for _ in range(3))

    first.add("/a", 1)
    second.add("/a", 2)
    second.add("/b", 4)
    third.kill()

    told = {"requests_total": {"/a": [3.0], "/b": [4.0]}}
    assert (first.tell("shown"), second.tell("shown")) == (told, told)


@pytest.mark.parametrize(
    ("merge", "both", "one_dead"),
    [
        ("sum", {(): [11.0, 20.0]}, {(): [11.0, 20.0]}),
        ("live_sum", {(): [11.0, 20.0]}, {(): [3.0, 20.0]}),
        ("min", {(): [3.0, 20.0]}, {(): [3.0, 20.0]}),
        ("live_min", {(): [3.0, 20.0]}, {(): [3.0, 20.0]}),
        ("max", {(): [8.0, 20.0]}, {(): [8.0, 20.0]}),
        ("live_max", {(): [8.0, 20.0]}, {(): [3.0, 20.0]}),
        ("most_recent", {(): [3.0, 20.0]}, {(): [3.0, 20.0]}),
        ("live_most_recent", {(): [3.0, 20.0]}, {(): [3.0, 20.0]}),
        ("worker", {("0",): [8.0, 10.0], ("1",): [3.0, 20.0]}, {("1",): [3.0, 20.0]}),
    ],
)
def test_a_gauge_counts_the_dead_only_if_it_says_so(
    crew: Crew, merge: Merge, both: object, one_dead: object
) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()

    first.tell("set", merge, 8.0, 10.0)
    second.tell("set", merge, 3.0, 20.0)
    before = watcher.snapshot().series(gauge(merge))
    first.kill()
    dead = watcher.snapshot().series(gauge(merge))
    second.tell("tend")
    folded = watcher.snapshot().series(gauge(merge))

    assert before == both
    assert dead == folded == one_dead


def test_the_most_recent_gauge_may_be_that_of_a_worker_that_has_gone(crew: Crew) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()

    for merge in ("most_recent", "live_most_recent"):
        first.tell("set", merge, 8.0, 30.0)
        second.tell("set", merge, 3.0, 20.0)
    first.kill()
    second.tell("tend")

    assert shown(watcher) == {
        "gauge_most_recent": {(): [8.0, 30.0]},
        "gauge_live_most_recent": {(): [3.0, 20.0]},
    }


def test_a_negative_gauge_is_no_damage(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()

    worker.tell("set", "live_sum", -8.0, 10.0)

    assert watcher.snapshot().series(gauge("live_sum")) == {(): [-8.0, 10.0]}
    assert watcher.snapshot().skipped == 0


def test_the_newest_exemplar_of_each_bucket_is_shown_as_long_as_its_worker_lives(crew: Crew) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()
    for worker in (first, second):
        worker.tell("observe", "/", 1, 0.5)

    first.tell("exemplar", 0, "aa", 10.0)
    first.tell("exemplar", 1, "bb", 30.0)
    second.tell("exemplar", 1, "cc", 20.0)
    second.tell("exemplar", 1, "x" * 300, 40.0)
    before = watcher.snapshot().exemplars(DURATION, ("/",))
    first.kill()
    after = watcher.snapshot().exemplars(DURATION, ("/",))

    newest = SharedExemplar({"trace_id": "bb"}, 0.5, 30.0)
    assert before == [SharedExemplar({"trace_id": "aa"}, 0.5, 10.0), newest, None]
    assert after == [None, SharedExemplar({"trace_id": "cc"}, 0.5, 20.0), None]


def test_two_releases_with_other_buckets_are_kept_apart_and_other_words_are_not(crew: Crew) -> None:
    watcher, old, new = crew.watcher(), crew.watcher(), crew.watcher()
    finer = DURATION._replace(bounds=(0.1, 0.5, 1.0))
    old.join()
    new.join()

    old.record(DURATION, ("/",))[0] = 1.0
    new.record(finer, ("/",))[0] = 2.0
    new.record(REQUESTS._replace(help="Other words."), ("/",))[0] = 4.0
    old.record(REQUESTS, ("/",))[0] = 8.0
    snapshot = watcher.snapshot()

    assert len({shape.name for shape in snapshot.families()}) == len(list(snapshot.families())) - 1
    assert snapshot.series(DURATION) == {("/",): [1.0, 0.0, 0.0, 0.0]}
    assert snapshot.series(finer) == {("/",): [2.0, 0.0, 0.0, 0.0, 0.0]}
    assert snapshot.series(REQUESTS) == {("/",): [12.0]}
    for group in (old, new):
        group.leave()
    assert not crew.failures


@given(st.lists(st.lists(st.floats(0, 1e300), min_size=4, max_size=4), min_size=1, max_size=6))
def test_a_sum_does_not_depend_on_who_was_folded_first(columns: list[list[float]]) -> None:
    together = combine(DURATION, columns)
    folded = columns[0]
    for column in columns[1:]:
        folded = combine(DURATION, [folded, column])

    assert folded == pytest.approx(together)


def test_a_worker_that_left_has_its_last_words_counted_and_its_gauges_not(crew: Crew) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()
    first.tell("set", "live_sum", 1.0, 1.0)
    first.add("/", 1)

    first.tell("leave")
    first.add("/", 3)
    before = total(watcher), watcher.snapshot().series(gauge("live_sum"))
    second.tell("tend")
    after = total(watcher), watcher.snapshot().series(gauge("live_sum"))

    assert before == after == (4.0, {})
    assert len(crew.files()) == 4  # Two of the second, the sum and the lock.


def test_a_worker_that_comes_back_brings_what_it_had(crew: Crew) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()
    first.add("/", 3)

    first.tell("leave")
    second.tell("tend")  # It is folded, and counts in the sum of the dead.
    first.tell("join")
    first.add("/", 1)
    again = total(watcher)
    first.tell("leave")
    first.tell("join")  # It is not folded yet.
    first.add("/", 1)

    assert again == 4.0
    assert total(watcher) == second.tell("total") == first.tell("total") == 5.0


def test_a_worker_that_is_coming_back_is_not_folded_meanwhile(crew: Crew) -> None:
    watcher, group, other = crew.watcher(), crew.watcher(), crew.worker()
    group.join()
    group.record(REQUESTS, ("/",))[0] = 3.0
    seen = []

    def rebind() -> None:
        other.tell("tend")
        seen.append(total(watcher))

    group.leave()
    group.rebind = rebind
    group.join()
    group.record(REQUESTS, ("/",))[0] += 1.0
    seen += [total(watcher), total(group), other.tell("total")]

    assert seen == [3.0, 4.0, 4.0, 4.0]
    group.leave()
