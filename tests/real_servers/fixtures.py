"""One server of each kind for all tests that ask for it; whoever holds it still or kills it gives it back."""

from collections.abc import Iterator

import pytest

from tests.real_servers import servers
from tests.real_servers.programs import Server
from tests.real_servers.proxy import FaultProxy


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL for all tests."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """A redis for all tests."""
    with servers.redis() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[Server]:
    """A RabbitMQ for all tests."""
    with servers.rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Server]:
    """A NATS for all tests."""
    with servers.nats() as server:
        yield server


@pytest.fixture
def faulty_postgres(postgres_server: Server) -> Iterator[FaultProxy]:
    """A way to PostgreSQL that can be made slow, dead or closed."""
    with FaultProxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
def faulty_redis(redis_server: Server) -> Iterator[FaultProxy]:
    """A way to redis that can be made slow, dead or closed."""
    with FaultProxy(redis_server.port) as proxy:
        yield proxy
