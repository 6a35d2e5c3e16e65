"""The committed tables: every server is in them, and nothing that they tell is what must not be."""

import re

import pytest

from tests.drain import signals, table
from tests.drain.servers import SERVERS
from tests.drain.table import BY_ITSELF, HOWS

pytestmark = pytest.mark.once


def test_twenty_restarts_of_each_server_lost_no_request_by_the_hook_and_none_under_the_supervisor() -> None:
    rows = table.rows_in(table.TABLE.read_text())
    cells = {key: [cell.strip() for cell in line.split("|")] for key, line in rows.items()}

    assert list(rows) == [(name, how) for name in SERVERS for how in HOWS]
    for (name, how), cell in cells.items():
        if how != BY_ITSELF:
            assert (int(cell[3]) >= 20, cell[5], "does not end" in cell[6]) == (True, "**0**", False), name
        else:
            assert cell[5] != "**0**", name  # So the rig sees what is lost.


def test_each_server_came_to_its_end_in_each_order_of_signals() -> None:
    lines = [line for line in signals.TABLE.read_text().splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]

    assert [(cell[1], cell[2]) for cell in cells] == [
        (name, label) for name in SERVERS for label in signals.SEQUENCES
    ]
    assert [cell for cell in cells if re.fullmatch(r"\d+", cell[4]) is None] == []
