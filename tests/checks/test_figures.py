"""The committed figures of dependencies in trouble: in time, once a period, and alive."""

import re

import pytest

from tests.checks import faults

pytestmark = pytest.mark.once


def test_probes_were_answered_in_time_and_liveness_never_fell() -> None:
    lines = [line for line in faults.TABLE.read_text().splitlines() if line.startswith("| ")][2:]
    rows = {cell[1]: cell for cell in ([one.strip() for one in line.split("|")] for line in lines)}

    assert list(rows) == ["none", *(f"{name} {kind}" for name in faults.CHECKS for kind in faults.TROUBLES)]
    for name, cell in rows.items():
        probes, seconds = cell[2].removesuffix(" s").split(" in ")
        before, after = map(int, cell[8].split(" → "))
        assert re.fullmatch(r"200: \d+" if name == "none" else r"503: \d+", cell[3]), name
        assert re.fullmatch(r"200: \d+", cell[4]), name
        assert int(cell[5].removesuffix(" ms")) <= 950, name  # All of a probe have 900 ms.
        assert after <= before + 1, name
        most = float(seconds) / faults.PERIOD_SECONDS + 2
        assert all(int(count) <= most for count in re.findall(r"\d+", cell[7])), name
        assert int(probes) > 500, name


def test_a_way_that_never_rests_changed_what_is_said_a_few_times_at_most() -> None:
    last = faults.TABLE.read_text().splitlines()[-1]
    seconds, changes = re.findall(r"([\d.]+) (?:s:|changes)", last)

    assert last == faults.toggle_line(float(seconds), float(changes))
    assert (float(seconds) >= 60, float(changes) <= 4) == (True, True)
