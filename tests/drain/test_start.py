"""The short way through all of it, on each interpreter: start, observe, drain, end."""

import signal
from pathlib import Path

from tests.drain.servers import APP, SERVERS
from tests.drain.service import free_port, running, supervised, until


def test_a_server_is_observed_and_drained(tmp_path: Path) -> None:
    port = free_port()
    command = supervised(SERVERS["uvicorn"].command(APP, port), "--drain-delay", "0.2")
    with running(command, tmp_path, port) as service:
        service.ready()
        answered = service.get("/").body
        service.send(signal.SIGTERM)
        until(lambda: service.get("/readyz").status in {503, 0}, "readiness stays")

        assert (answered, service.wait()) == ("tea", 0)

    assert [event["to"] for event in service.events("lifecycle.changed")] == ["ready", "draining", "stopped"]
    assert service.errors.read_text() == ""
