"""Probed as Prometheus probes: by its blackbox exporter, on both ports."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.real_servers.programs import LOOPBACK, Server, free_port, home_of, program, says, served

if TYPE_CHECKING:
    from tests.opsport.conftest import Client, Service

pytestmark = [pytest.mark.once, pytest.mark.real]

_CONFIG = """
modules:
  healthy: {prober: http, timeout: 5s, http: {fail_if_body_not_matches_regexp: ["^ok\\n$"]}}
  head: {prober: http, timeout: 5s, http: {method: HEAD}}
"""


@pytest.fixture(scope="module")
def exporter() -> Iterator[Server]:
    port = free_port()
    question = b"GET /-/healthy HTTP/1.0\r\n\r\n"
    with home_of(None) as home:
        (home / "blackbox.yml").write_text(_CONFIG)
        command = [
            program("prometheus-blackbox-exporter"),
            f"--config.file={home / 'blackbox.yml'}",
            f"--web.listen-address={LOOPBACK}:{port}",
        ]
        with served(
            Server("blackbox", command, port, home, lambda: says(port, question, b"HTTP/1.0 200"))
        ) as it:
            yield it


@pytest.mark.parametrize("module", ["healthy", "head"])
@pytest.mark.parametrize("port", ["application", "ops"])
def test_the_exporter_sees_what_each_probe_says(
    make_service: "Callable[..., Service]", exporter: Server, module: str, port: str
) -> None:
    service = make_service()

    def probed(client: "Client", path: str) -> tuple[float, float]:
        target = f"http://{LOOPBACK}:{client.port if port == 'application' else service.kit.ops_port}{path}"
        page = httpx.get(
            f"http://{LOOPBACK}:{exporter.port}/probe",
            params={"target": target, "module": module},
            trust_env=False,
            timeout=30,
        ).text
        samples = {sample.name: sample.value for family in parse_text(page) for sample in family.samples}
        return samples["probe_success"], samples["probe_http_status_code"]

    with service.served() as application:
        application.get("/")
        told = [[probed(application, path) for path in ("/livez", "/readyz", "/startupz")]]
        service.kit.lifecycle.maintenance(on=True)
        told.append([probed(application, path) for path in ("/livez", "/readyz")])
        service.kit.lifecycle.maintenance(on=False)
        service.kit.readiness("db")(lambda: False)
        told.append([probed(application, "/readyz"), probed(application, "/readyz?exclude=db")])
        service.kit.lifecycle.drain()
        told.append([probed(application, path) for path in ("/livez", "/readyz")])

    yes, no = (1.0, 200.0), (0.0, 503.0)
    assert told == [[yes, yes, yes], [yes, no], [no, yes], [yes, no]]
