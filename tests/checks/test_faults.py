"""A database in trouble takes an instance out of traffic, and neither its liveness nor its time."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.checks import faults
from tests.real_servers.proxy import FaultProxy

if TYPE_CHECKING:
    from tests.real_servers.programs import Server

pytestmark = [pytest.mark.once, pytest.mark.anyio]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def ways(postgres_server: "Server", redis_server: "Server") -> Iterator[dict[str, FaultProxy]]:
    """Ways to both that take longer than a check has, where they are slow."""
    with FaultProxy(postgres_server.port, 0.5) as postgres, FaultProxy(redis_server.port, 0.5) as redis:
        yield {"postgres": postgres, "redis": redis}


@pytest.fixture(scope="module")
async def service(ways: dict[str, FaultProxy]) -> AsyncIterator[faults.Service]:
    async with faults.service(ways["postgres"].port, ways["redis"].port) as made:
        yield made


@pytest.mark.parametrize("trouble", faults.TROUBLES)
@pytest.mark.parametrize("name", faults.CHECKS)
async def test_a_hundred_probes_a_second_are_answered_while_a_dependency_is_in_trouble(
    service: faults.Service,
    ways: dict[str, FaultProxy],
    name: str,
    trouble: str,
    request: pytest.FixtureRequest,
) -> None:
    server: Server = request.getfixturevalue(f"{name}_server")

    figures = await faults.troubled(service, faults.TROUBLES[trouble](server, ways[name]), 0.5)

    assert set(figures.statuses("/readyz")) == {503}
    assert set(figures.statuses("/livez")) == {200}
    assert max(figures.runs.values()) <= figures.most_runs()
    assert figures.threads[1] <= figures.threads[0] + 1
