"""Secrets that are planted wherever one could be are seen nowhere in what a service writes."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
JWT = "eyJhbGciOiJIUzI1NiJ9"


def canary(number: int) -> str:
    """Return what leaky.py plants too; to import it from there would set this process up."""
    return f"canary-{number:03}-x7Q"


def seen_in(written: str) -> list[str]:
    return sorted(set(re.findall(r"canary-?\d{3}-?x7Q", written)))


def test_no_planted_secret_is_seen(serve: Callable[..., Any]) -> None:
    command = [sys.executable, "-m", "uvicorn", "leaky:app", "--app-dir", str(HERE)]
    service = serve(command=command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found: list[bytes] = []
    streams = (service.process.stdout, service.process.stderr)
    readers = [threading.Thread(target=lambda one=one: found.append(one.read())) for one in streams]
    for reader in readers:
        reader.start()
    headers = {
        # A server closes the connection on which a request failed, and the next could be on its way there.
        "connection": "close",
        "authorization": f"Bearer {canary(60)}",
        "cookie": f"session={canary(61)}",
        "x-api-key": canary(62),
        "user-agent": f"agent password={canary(63)}",
    }

    service.client.post("/leak", params={"token": canary(64)}, headers=headers, content=canary(65))
    service.client.get(f"/boom/{JWT}.{canary(66)}.abcdefgh", params={"password": canary(67)}, headers=headers)
    service.client.get(f"/nowhere?api_key={canary(68)}", headers=headers)
    service.stop()
    for reader in readers:
        reader.join(10)

    written = b"".join(found).decode()
    assert seen_in(written) == []
    assert [written.count(f'"event":"{name}') for name in ("by.key", "failed", "request", "pem", "cut")] == [
        *(1, 2, 1, 1, 1)
    ]
    assert written.count("[redacted]") > 50


@pytest.mark.once
@pytest.mark.parametrize("shape", ["logfmt", "console"])
def test_no_planted_secret_is_seen_in_other_formats(shape: str) -> None:
    script = "import leaky\nleaky.log_fields()\nleaky.log_texts()\nleaky.fail()"

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=HERE,
        env={**os.environ, "LEAKY_FORMAT": shape, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=50,
        check=False,
    )

    written = (done.stdout + done.stderr).decode()
    assert (seen_in(written), done.returncode) == ([], 1)
    assert written.count("[redacted]") > 40
    assert [name in written for name in ("by.key", "process.uncaught_exception", "pem", "cut")] == [True] * 4
