"""The servers of the tests do what the tests take for granted."""

import socket
from typing import TYPE_CHECKING

import pytest

from tests.real_servers.programs import LOOPBACK, Server, says

if TYPE_CHECKING:
    from tests.real_servers.proxy import FaultProxy

pytestmark = pytest.mark.once

_PING = b"PING\r\n"


@pytest.mark.parametrize("name", ["postgres_server", "redis_server", "nats_server"])
def test_a_server_answers_again_after_it_was_held_still_and_killed(
    name: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(name)
    before = server.answers()

    with server.paused(), socket.create_connection((LOOPBACK, server.port)) as waiting:
        waiting.settimeout(0.2)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
    with server.killed():
        gone = server.answers()

    assert (before, gone, server.answers()) == (True, False, True)


def test_a_faulty_way_refuses_and_passes_again(faulty_redis: "FaultProxy") -> None:
    told = [says(faulty_redis.port, _PING, b"+PONG")]
    faulty_redis.mode = "closed"
    told.append(says(faulty_redis.port, _PING, b"+PONG"))
    faulty_redis.mode = "pass"
    told.append(says(faulty_redis.port, _PING, b"+PONG"))

    assert told == [True, False, True]


def test_a_dead_way_takes_a_question_and_answers_when_it_is_alive_again(faulty_redis: "FaultProxy") -> None:
    faulty_redis.mode = "dead"

    with socket.create_connection((LOOPBACK, faulty_redis.port), timeout=30) as connection:
        connection.sendall(_PING)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30)
        faulty_redis.mode = "slow"

        assert connection.recv(64) == b"+PONG\r\n"
