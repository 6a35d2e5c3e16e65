"""The short form of the signals in odd orders."""

import pytest

from tests.drain.servers import APP, SERVERS
from tests.drain.service import free_port, supervised
from tests.drain.signals import SEQUENCES, Outcome, is_right, options, outcome

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("uvicorn", "TERM TERM TERM with a stream"),
        ("uvicorn", "TERM at the start"),
        ("granian", "INT TERM"),
    ],
)
def test_a_server_always_comes_to_its_end(name: str, sequence: str) -> None:
    port = free_port()
    wanted = SEQUENCES[sequence]
    command = supervised(SERVERS[name].command(APP, port), *options(wanted))

    came_to = outcome(command, port, wanted, 30.0)

    # From Python 3.12 on, uvicorn waits for a connection that does not close even when it is forced to end.
    killed = [Outcome(137, 0)] if SEQUENCES[sequence].stream else []
    assert came_to in [Outcome(0, 0), *killed]


@pytest.mark.parametrize(
    ("alone", "run", "hurried", "right"),
    [
        (Outcome(0, 0), Outcome(0, 0), False, True),
        (Outcome(-15, 0), Outcome(0, 0), False, True),
        (Outcome(-10, 0), Outcome(138, 0), False, True),
        (Outcome(None, 0), Outcome(137, 0), False, True),
        (Outcome(0, 0), Outcome(137, 0), False, False),
        (Outcome(0, 0), Outcome(137, 0), True, True),
        (Outcome(0, 0), Outcome(None, 0), True, False),
        (Outcome(0, 0), Outcome(0, 1), True, False),
    ],
)
def test_the_table_tells_a_right_end_from_a_wrong_one(
    alone: Outcome, run: Outcome, hurried: bool, right: bool
) -> None:
    assert is_right(alone, run, hurried=hurried) is right
