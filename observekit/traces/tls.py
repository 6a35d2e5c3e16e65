"""Certificates for the way to the collector: verified always, and read again when they were renewed."""

import ssl
from pathlib import Path
from typing import NamedTuple


class Certificates(NamedTuple):
    """Files in PEM form; ``None`` where there is none.

    Attributes:
        trusted: Authorities that the collector's certificate must come from; the system's where not given.
        own: The certificate that is shown to the collector.
        key: Its key.
    """

    trusted: str | None = None
    own: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """Return what a connection is secured with.

        Made for each connection, which is kept for long: so a certificate that was renewed is used.

        Raises:
            OSError: If a file cannot be used; it is named. There is no way without it.
        """
        for name in (self.trusted, self.own, self.key):
            if name is not None and not Path(name).is_file():
                raise FileNotFoundError(f"certificate file {name!r} is not there")
        try:
            context = ssl.create_default_context(cafile=self.trusted)
        except ssl.SSLError as error:
            raise OSError(f"certificate file {self.trusted!r} cannot be read: {error}") from error
        if self.own is not None:
            try:
                context.load_cert_chain(self.own, self.key)
            except ssl.SSLError as error:
                raise OSError(f"certificate {self.own!r} and key {self.key!r} do not fit: {error}") from error
        return context
