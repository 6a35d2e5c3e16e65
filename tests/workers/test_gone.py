"""Series that have gone give back what they took: in files, in memory, and on the page."""

import json
import os
import resource
from pathlib import Path

import pytest

from observekit.metrics.workers import group as groups
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.reserve import FIRST_CHUNK
from observekit.metrics.workers.shapes import ABSENT, Record

from .conftest import Crew
from .crew import REQUESTS, total
from .fleet import PROGRAM, script

pytestmark = pytest.mark.once

SERIES = 2500


def _come_and_go(group: Group, times: int) -> None:
    """Have other series each time, and all of them gone."""
    for time in range(times):
        records: list[Record] = [group.record(REQUESTS, (f"{time}-{number}",)) for number in range(SERIES)]
        for record in records:
            record[0] = 1.0
        for record in records:
            record[0] = ABSENT
        group.tend()


def test_series_that_come_and_go_for_ever_never_fill_the_files(crew: Crew) -> None:
    watcher = crew.watcher()
    group = Group(crew.directory, crew.failures.append, limit=4 * FIRST_CHUNK)
    group.join()
    group.record(REQUESTS, ("/",))[0] = 7.0

    _come_and_go(group, times=12)
    for number in range(SERIES):
        group.record(REQUESTS, (str(number),))[0] = 1.0
    group.tend()

    assert not crew.failures
    assert not group.degraded
    assert total(watcher) == total(group) == SERIES + 7.0
    assert len(group._records) <= 2 * SERIES + 1
    (keys,) = crew.directory.glob(f"*-{os.getpid()}-*.keys")
    assert keys.stat().st_size < 3 * SERIES * 40
    group.leave()


def test_few_series_that_go_are_not_worth_new_files(crew: Crew) -> None:
    group = crew.watcher()
    group.join()
    before = crew.files()
    for number in range(SERIES):
        group.record(REQUESTS, (str(number),))[0] = ABSENT if number < SERIES // 3 else 1.0
    group.tend()

    assert crew.files() == before
    group.leave()


def test_new_files_without_room_for_all_leave_the_old_ones_as_they_are(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_CROWDED_SECONDS", 0.0)
    watcher, group = crew.watcher(), crew.watcher()
    group.join()
    for number in range(SERIES):
        group.record(REQUESTS, (str(number),))[0] = ABSENT
    for number in range(SERIES // 2):
        group.record(REQUESTS, (f"{number:060}",))[0] = 1.0
    before, limits = crew.files(), resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (FIRST_CHUNK, limits[1]))  # More than the keys take.
    try:
        group.tend()
        group.record(REQUESTS, ("/",))[0] = 1.0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    crowded = crew.files(), total(watcher), total(group)
    group.tend()
    group.tend()

    assert crowded == (before, SERIES / 2, SERIES / 2 + 1)
    assert crew.files() != before
    assert len(crew.files()) == len(before)
    assert total(watcher) == total(crew.watcher()) == SERIES / 2 + 1
    assert not group.degraded
    group.leave()


def test_series_that_go_from_a_worker_without_files_are_forgotten(crew: Crew) -> None:
    crew.directory.write_text("no directory")
    group = crew.watcher()
    group.join()
    group.record(REQUESTS, ("/",))[0] = 7.0

    _come_and_go(group, times=4)

    assert group.degraded
    assert total(group) == 7.0
    assert len(group._records) == 1
    group.leave()


def test_series_over_the_limit_have_room_when_others_have_gone(crew: Crew) -> None:
    watcher = crew.watcher()
    group = Group(crew.directory, crew.failures.append, limit=2 * FIRST_CHUNK)
    group.join()
    records = [group.record(REQUESTS, (str(number),)) for number in range(3 * SERIES)]
    for record in records:
        record[0] = 1.0
    group.tend()
    full = group.degraded, total(watcher) < total(group)
    for record in records[: SERIES // 2]:
        record[0] = ABSENT

    group.tend()
    fewer = total(watcher)
    for record in (group.record(REQUESTS, (str(number),)) for number in range(SERIES, 3 * SERIES)):
        record[0] = ABSENT
    group.tend()
    group.tend()

    assert full == (True, True)
    assert fewer > 2 * SERIES / 2
    assert not group.degraded
    assert total(watcher) == total(group) == SERIES / 2
    group.leave()


def test_what_a_service_removes_and_makes_again_is_counted_rightly(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
import glob
VISITS = Counter("visits", "Visits.", ["who"])
ROWS = Gauge("rows", "Rows.", multiprocess_mode="livesum")
ROWS.set_function(lambda: 4)
kit = setup(ops_port=0)
child = os.fork()
if not child:
    VISITS.labels("often").inc()
    os._exit(0)
assert reaped(child) == 0
often = VISITS.labels("often")

def size():
    return sum(map(os.path.getsize, glob.glob(f"{sys.argv[1]}/*/*/*-{os.getpid()}-*.keys")))

for generation in range(3):
    often.inc()
    for number in range(2000):
        VISITS.labels(f"{generation}-{number}").inc()
    large = size()
    for number in range(2000):
        VISITS.remove(f"{generation}-{number}")
    until(lambda: told(kit, "visits_total") and size() < large)
VISITS.labels("again").inc(3)
VISITS.remove("again")
told(kit, "visits")
VISITS.labels("again").inc(2)
often.inc()
print(json.dumps(sorted(told(kit, "visits_total", "rows"))))
""",
            tmp_path,
            str(tmp_path),
        )
    )

    assert found == ["rows 4.0", 'visits_total{who="again"} 2.0', 'visits_total{who="often"} 5.0']
