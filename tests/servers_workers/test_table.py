"""The committed table is what its rows come to, and none of them says that anything went wrong."""

import pytest

from tests.servers_workers import table
from tests.servers_workers.servers import SERVERS

pytestmark = pytest.mark.once


def test_the_table_has_the_rows_that_it_should_have_and_no_fault() -> None:
    text = table.TABLE.read_text(encoding="utf-8")
    rows = table.read(text)

    assert text == table.written(rows)
    assert {"uvicorn-h11", "gunicorn-sync-preload"} <= rows["crash"].keys() <= SERVERS.keys()
    assert {(row[2], row[-1]) for row in rows["crash"].values()} == {("300", "0")}
    assert rows["servers"].keys() <= SERVERS.keys()
    assert all(row[4] == "0" for row in rows["servers"].values())
    assert all(row[2:] == ("0", "0") for row in rows["forks"].values())
