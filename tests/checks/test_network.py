"""An HTTP upstream, a mail server, names and certificates."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from observekit import checks
from observekit.errors import ConfigError
from tests.real_servers.programs import LOOPBACK, free_port

if TYPE_CHECKING:
    from tests.checks.conftest import Service


class Upstream(BaseHTTPRequestHandler):
    """Answers with the status that the path asks for."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.partition("?")[0][1:]))
        self.send_header("Location", "/500")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


def clients() -> dict[str, Any]:
    return {
        "alone": None,
        "httpx": httpx.Client(trust_env=False),
        "httpx, async": lambda: httpx.AsyncClient(trust_env=False),
    }


@pytest.mark.parametrize("client", clients().values(), ids=clients())
@pytest.mark.parametrize(
    ("path", "result"),
    [("/200?a=b", "ok"), ("/204", "ok"), ("/302", "ok"), ("/404", "failed"), ("/503", "failed")],
)
def test_an_upstream_is_judged_by_its_own_status(
    service: "Service", upstream: str, client: Any, path: str, result: str
) -> None:
    assert service.run(checks.http_upstream(upstream + path, client)).result == result


def test_an_upstream_that_is_not_there_fails_and_says_why(service: "Service") -> None:
    said = service.run(checks.http_upstream(f"http://{LOOPBACK}:{free_port()}/livez"))

    assert said.result == "failed"
    assert said.output.startswith("ConnectionRefusedError: ")


@pytest.mark.parametrize("url", ["ftp://stock/", "stock/livez", "http://"])
def test_a_url_that_cannot_be_asked_for_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as told:
        checks.http_upstream(url)

    assert str(told.value) == (
        f"http_upstream() got {url!r}, but needs an http or https URL, like 'http://stock/livez'."
    )


class Mail:
    """Takes no mail."""


@pytest.fixture
def mail() -> Iterator[Controller]:
    controller = Controller(Mail(), hostname=LOOPBACK, port=free_port())
    controller.start()
    yield controller
    controller.stop()


def test_a_mail_server_is_greeted(service: "Service", mail: Controller) -> None:
    assert service.run(checks.smtp(LOOPBACK, mail.port)) == ("ok", "")


def test_a_mail_server_that_cannot_be_secure_fails_where_it_has_to(
    service: "Service", mail: Controller
) -> None:
    said = service.run(checks.smtp(LOOPBACK, mail.port, starttls=True))

    assert said == ("failed", "SMTPNotSupportedError: STARTTLS extension not supported by server.")


def test_a_peer_that_never_greets_is_a_timeout(service: "Service") -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        said = service.run(checks.smtp(LOOPBACK, silent.getsockname()[1]), timeout_seconds=0.3)

    assert said.result == "timeout"


@pytest.mark.parametrize(
    ("name", "result"), [("localhost", "ok"), ("127.0.0.1", "ok"), ("name.invalid", "failed")]
)
def test_a_name_is_looked_up_off_the_loop(service: "Service", name: str, result: str) -> None:
    assert service.run(checks.dns(name)).result == result


@pytest.fixture
def certificate(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A certificate that ends in ten days, unless another number is asked for, and its key."""
    ends_in = timedelta(days=getattr(request, "param", 10))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + ends_in)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "tls.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.mark.parametrize(
    ("days", "certificate", "said"),
    [
        (9, 10, ("ok", "")),
        (11, 10, ("failed", "ValueError: the certificate ends in 10.0 days")),
        (11, -3, ("failed", "ValueError: the certificate has ended 3.0 days ago")),
    ],
    indirect=["certificate"],
)
def test_a_certificate_has_to_hold_for_so_many_days(
    service: "Service", certificate: Path, days: float, said: tuple[str, str]
) -> None:
    assert service.run(checks.certificate_expiry(certificate, min_days=days)) == said


def test_the_certificate_of_a_server_is_looked_at(service: "Service", certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def ask() -> list[str]:
        server = await asyncio.start_server(lambda _, writer: writer.close(), LOOPBACK, 0, ssl=context)
        address = LOOPBACK, server.sockets[0].getsockname()[1]
        service.kit.add_check("enough", checks.certificate_expiry(server=address, min_days=9))
        service.kit.add_check("short", checks.certificate_expiry(server=address, min_days=11))
        async with server:
            return [(await service.said(name)).result for name in ("enough", "short")]

    assert asyncio.run(ask()) == ["ok", "failed"]


def test_a_certificate_is_that_of_a_file_or_of_a_server() -> None:
    with pytest.raises(ConfigError) as told:
        checks.certificate_expiry()

    assert str(told.value) == (
        "certificate_expiry() needs a path or a server, and not both, like "
        "certificate_expiry('/etc/tls/tls.crt')."
    )
