"""One worker among no others: its files, its memory, and the way between them."""

import json
import os
import shutil

import pytest

from observekit.metrics.workers.group import Group
from observekit.metrics.workers.keys import LONGEST_LINE
from observekit.metrics.workers.shapes import SharedExemplar

from .conftest import Crew
from .crew import DURATION, REQUESTS, gauge, shown, total


def test_a_group_touches_nothing_until_it_is_joined(crew: Crew) -> None:
    group = crew.watcher()

    group.record(REQUESTS, ("/",))[0] = 1.0
    group.exemplar(DURATION, ("/",), 0, SharedExemplar({"trace_id": "aa"}, 0.5, 1.0))
    group.tend()

    assert total(group) == 1.0
    assert (group.slot, group.degraded, group.files) == (-1, False, 0)
    assert not crew.directory.exists()


def test_what_was_counted_before_joining_is_taken_along(crew: Crew) -> None:
    group, moved = crew.watcher(), []
    record = group.record(REQUESTS, ("/",))
    record[0] = 5.0
    group.rebind = lambda: moved.append(group.record(REQUESTS, ("/",)))

    group.join()

    assert len(moved) == 1
    assert moved[0] is not record
    assert group.record(REQUESTS, ("/",)) is moved[0]
    assert total(group) == total(crew.watcher()) == 5.0
    assert group.files == 3
    group.leave()


def test_one_series_has_one_record(group: Group) -> None:
    record = group.record(DURATION, ("/",))

    assert group.record(DURATION._replace(help="Other words."), ("/",)) is record
    assert group.record(DURATION, ("/a",)) is not record
    assert (len(record), list(record)) == (4, [0.0] * 4)


def test_exemplars_are_replaced_taken_away_and_left_out_where_they_are_too_long(group: Group) -> None:
    group.record(DURATION, ("/",))
    first, second = (SharedExemplar({"trace_id": name}, 0.5, at) for name, at in (("ä", 1.0), ("b", 2.0)))

    seen = []
    for exemplar in (first, second, SharedExemplar({"trace_id": "x" * 250}, 0.5, 3.0), None):
        group.exemplar(DURATION, ("/",), 1, exemplar)
        seen.append(group.snapshot().exemplars(DURATION, ("/",)))
    group.exemplar(DURATION, ("/unknown",), 1, first)

    assert seen == [[None, first, None], [None, second, None], [None, second, None], [None, None, None]]
    assert group.snapshot().exemplars(DURATION, ("/unknown",)) == [None, None, None]


def test_an_exemplar_that_cannot_be_written_is_told_of(crew: Crew, group: Group) -> None:
    group.record(DURATION, ("/",))

    group.exemplar(DURATION, ("/",), 1, SharedExemplar({"trace_id": object()}, 0.5, 1.0))  # type: ignore[dict-item]

    assert [type(failure) for failure in crew.failures] == [TypeError]


def test_an_exemplar_that_is_being_written_is_not_shown(crew: Crew, group: Group) -> None:
    group.record(DURATION, ("/",))
    group.exemplar(DURATION, ("/",), 1, SharedExemplar({"trace_id": "aa"}, 0.5, 1.0))
    (path,) = crew.directory.glob("*.exemplars")
    path.chmod(0o600)

    with path.open("r+b") as file:
        file.seek(30)
        file.write(b"bb")

    assert group.snapshot().exemplars(DURATION, ("/",)) == [None, None, None]


@pytest.mark.parametrize("loss", ["values", "keys", "directory"])
def test_lost_files_are_made_again(crew: Crew, group: Group, loss: str) -> None:
    for shape in (REQUESTS, DURATION):
        group.record(shape, ("/",))[0] = 2.0
    group.record(gauge("live_sum"), ())[0] = -1.0
    before = shown(group)

    if loss == "directory":
        shutil.rmtree(crew.directory)
    else:
        next(crew.directory.glob(f"*.{loss}")).unlink()
    lost = shown(group)
    group.tend()

    assert before == lost == shown(group) == shown(crew.watcher())
    assert [str(failure) for failure in crew.failures] == [
        f"the files of the worker {path.stem[:-1] + '1'!r} have been removed."
        for path in crew.directory.glob("*.keys")
    ]
    assert not group.degraded


def test_two_sums_that_know_nothing_of_each_other_are_put_together(crew: Crew, group: Group) -> None:
    worker = crew.worker()
    worker.add("/", 1)
    worker.kill()
    group.tend()

    shutil.rmtree(crew.directory)
    newcomer, other = crew.worker(), crew.worker()
    newcomer.add("/", 2)
    newcomer.kill()
    other.tell("tend")
    before = total(group), other.tell("total")
    group.tend()
    group.tend()

    assert before == (3.0, 2.0)
    assert total(group) == other.tell("total") == total(crew.watcher()) == 3.0


def test_labels_that_are_too_long_stay_in_memory(crew: Crew, group: Group) -> None:
    group.record(REQUESTS, ("x" * LONGEST_LINE,))[0] = 1.0
    group.record(REQUESTS, ("/",))[0] = 2.0
    group.tend()

    assert (total(group), total(crew.watcher()), group.degraded) == (3.0, 2.0, True)
    assert [type(failure).__name__ for failure in crew.failures] == ["FullError"]


def test_a_record_is_had_even_if_its_labels_are_none(crew: Crew, group: Group) -> None:
    group.record(REQUESTS, (object(),))[0] = 1.0  # type: ignore[arg-type]

    assert total(group) == 1.0
    assert [type(failure) for failure in crew.failures] == [TypeError]


def test_a_torn_line_of_keys_costs_one_series_until_there_is_room(
    crew: Crew, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = crew.watcher()
    group.record(REQUESTS, ("/a",))[0] = 1.0
    write = os.write

    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    group.record(REQUESTS, ("/b",))[0] = 2.0
    torn = total(group), total(watcher), group.degraded
    monkeypatch.undo()
    group.record(REQUESTS, ("/c",))[0] = 4.0
    one_less = total(group), total(watcher)
    group.tend()

    assert torn == (3.0, 1.0, True)
    assert one_less == (7.0, 5.0)
    assert (total(group), total(watcher), group.degraded) == (7.0, 7.0, False)
    assert [type(failure).__name__ for failure in crew.failures] == ["OSError", "WorkerFileError"]


def test_keys_are_text_of_one_line_each(crew: Crew, group: Group) -> None:
    group.record(DURATION, ("\n\ud800",))
    (path,) = crew.directory.glob("*.keys")

    family, series = (json.loads(line[9:]) for line in path.read_text("ascii").splitlines())

    assert family == ["f", 0, *json.loads(json.dumps(DURATION))]
    assert series == ["s", 0, ["\n\ud800"], 0]


def test_families_of_other_kinds_are_merged_as_they_say(crew: Crew, group: Group) -> None:
    other = crew.watcher()
    other.join()
    info = REQUESTS._replace(name="build_info", kind="info", merge="most_recent")
    most = REQUESTS._replace(name="most", kind="unknown", merge="max")
    rest = REQUESTS._replace(name="rest", kind="summary", merge="sum")
    for at, one in enumerate((group, other), 1):
        one.record(info, ("1.0",))[0] = 1.0
        one.record(most, ("/",))[0] = float(at)
        one.record(rest, ("/",))[0] = float(at)
        one.record(rest, ("/",))[1] = -float(at)

    assert shown(group) == {
        "build_info": {("1.0",): [1.0]},
        "most": {("/",): [2.0]},
        "rest": {("/",): [3.0, -3.0]},
    }
    other.leave()
