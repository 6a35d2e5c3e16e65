"""Names and mail: what services need that have no client object for it."""

import smtplib
import socket
import ssl
from typing import Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import ready

# Above what a check may take, so that the check says so first; it ends the wait of a thread.
_SECONDS: Final = 5.0


def smtp(host: str, port: int = 25, *, starttls: bool = False) -> CheckFunction:
    """Return a check that greets a mail server; it sends nothing.

    Args:
        host: Name or address of the server.
        port: Its port, 25, 465 or 587.
        starttls: Whether the connection has to be made a secure one, with a certificate that holds.
    """

    def ask() -> None:
        # The name of this host would be looked up unless it is given, which may take long.
        with smtplib.SMTP(host, port, local_hostname="localhost", timeout=_SECONDS) as server:
            if starttls:
                server.starttls(context=ssl.create_default_context())
            code, answer = server.noop()
            # Source: RFC 5321, 4.2.1: a completion is a code that begins with 2.
            if code // 100 != 2:  # noqa: PLR2004
                raise ConnectionError(f"the mail server answered {code}: {answer.decode(errors='replace')}")

    return ready(ask, "smtp", asks="a mail server", criticality="degraded")


def dns(name: str) -> CheckFunction:
    """Return a check that looks *name* up, as the operating system does it for the service."""

    def ask() -> None:
        socket.getaddrinfo(name, None)

    return ready(ask, "dns", asks="a name server", criticality="degraded")
