"""The committed table: every server is in it, and nothing was lost that must not be."""

import pytest

from tests.drain import table
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
