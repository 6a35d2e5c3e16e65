"""Certificates: how long those in a file, or that of a server, hold."""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from observekit.errors import ConfigError
from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import needed, ready

_NAME = "certificate_expiry"
_SECONDS = 5.0


def certificate_expiry(
    path: str | os.PathLike[str] | None = None, *, server: tuple[str, int] | None = None, min_days: float = 14
) -> CheckFunction:
    """Return a check that certificates hold for some time yet; needs ``cryptography``.

    Args:
        path: A file of certificates in PEM, of which the one that ends first counts.
        server: Host and port of a server instead, of which the certificate is looked at and not judged.
        min_days: Days for which it must hold.

    Raises:
        ConfigError: If it is not exactly one of both.
        MissingExtraError: If ``cryptography`` is not installed.
    """
    x509 = needed("cryptography.x509", "cryptography", _NAME)
    if (path is None) == (server is None):
        raise ConfigError(
            f"{_NAME}() needs a path or a server, and not both, like {_NAME}('/etc/tls/tls.crt')."
        )
    read = _of_file(path) if server is None and path is not None else _of_server(server)

    def ask() -> None:
        left = _end(x509, read()) - datetime.now(UTC)
        if left < timedelta(days=min_days):
            days = left / timedelta(days=1)
            told = f"ends in {days:.1f} days" if days > 0 else f"has ended {-days:.1f} days ago"
            raise ValueError(f"the certificate {told}")

    asks = "" if server is None else "a server"
    return ready(ask, _NAME, asks=asks, criticality="degraded")


def _of_file(path: str | os.PathLike[str]) -> Callable[[], bytes]:
    return lambda: Path(path).read_bytes()


def _of_server(server: tuple[str, int] | None) -> Callable[[], bytes]:
    address = server or ("", 0)
    return lambda: ssl.get_server_certificate(address, timeout=_SECONDS).encode()


def _end(x509: Any, data: bytes) -> datetime:
    ends: list[datetime] = [one.not_valid_after_utc for one in x509.load_pem_x509_certificates(data)]
    return min(ends)
