"""A service without an event loop: its metrics are read on the ops port."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import Counter

from observekit import setup

kit = setup(service_name="old")
HITS = Counter("hits", "Requests.")


def app(_: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    HITS.inc()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
