"""Certificates of authorities, a collector and its client, made for a test."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Files(NamedTuple):
    """Certificates: two authorities, the collector's from the first for two hosts, and one to be shown."""

    authority: Path
    other: Path
    server: Path
    elsewhere: Path
    client: Path


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certificate(folder: Path, name: str, authority: Path | None = None, host: str = "127.0.0.1") -> Path:
    """Return a file with a new certificate; its key is beside it."""
    made, key, options = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.cnf"
    options.write_text(
        f"subjectAltName=IP:{host}\nbasicConstraints=critical,CA:{str(authority is None).upper()}\n"
    )
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key))
    openssl("req", "-new", *new, "-subj", f"/CN={name}", "-out", str(made))
    signing = ("-signkey", str(key)) if authority is None else _signed_by(authority)
    openssl(
        "x509", "-req", "-in", str(made), *signing, "-days", "2", "-extfile", str(options), "-out", str(made)
    )
    return made


def _signed_by(authority: Path) -> tuple[str, ...]:
    return ("-CA", str(authority), "-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial")


def made_in(folder: Path) -> Files:
    authority = certificate(folder, "authority")
    return Files(
        authority,
        certificate(folder, "other"),
        certificate(folder, "server", authority),
        certificate(folder, "elsewhere", authority, "127.0.0.2"),
        certificate(folder, "client", authority),
    )
