"""A service for each server, started once for all tests of a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers_workers.servers import ALONE, SERVERS, some
from tests.servers_workers.service import Service

Start = Callable[[str], Service]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a server by its name, wait for its workers, and stop it in the end."""
    started: list[Service] = []

    def by_name(name: str) -> Service:
        server = ALONE if name == "uvicorn-alone" else SERVERS[name]
        if missing := server.missing():
            pytest.skip(f"{missing} is not installed")
        started.append(Service(server, tmp_path_factory.mktemp(name)))
        started[-1].living()
        return started[-1]

    yield by_name
    for service in started:
        service.stop()


@pytest.fixture(scope="module", params=some("uvicorn-h11"))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve with a server, or with several in turn."""
    server = SERVERS[request.param]
    if missing := server.missing():
        pytest.skip(f"{missing} is not installed")
    service = Service(server, Path(tmp_path_factory.mktemp(request.param)))
    try:
        service.living()
        yield service
    finally:
        service.stop()
