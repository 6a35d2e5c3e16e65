"""A service with one check of a dependency, asked again and again."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, ObserveMiddleware, setup
from tests.ops.conftest import Client, hello

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


class Said(NamedTuple):
    """What a check said: its result, and the text of what went wrong."""

    result: str
    output: str


class Service:
    """A service of which each probe runs the checks."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.client = Client(ObserveMiddleware(hello))

    async def said(self, name: str = "it") -> Said:
        """Ask once."""
        headers = ((b"accept", b"application/health+json"),)
        told = json.loads((await self.client.ask("/readyz", headers=headers)).body)
        [one] = told["checks"][name]
        return Said(one["result"], one.get("output", ""))

    async def until(self, *results: str, name: str = "it") -> Said:
        """Ask until the check says one of *results*; fail if it never does."""
        end = monotonic() + LONG
        while (said := await self.said(name)).result not in results:
            assert monotonic() < end, said
            await asyncio.sleep(0.02)
        return said

    def add(self, check: Any, timeout_seconds: float = 0.5) -> None:
        """Add a check that has little time, so that a server that hangs is found soon."""
        self.kit.add_check("it", check, timeout_seconds=timeout_seconds)

    def run(self, check: Any, timeout_seconds: float = LONG) -> Said:
        """Ask *check* once, on a loop of its own."""
        self.add(check, timeout_seconds)
        return asyncio.run(self.said())


@pytest.fixture
def service() -> Iterator[Service]:
    kit = setup(
        registry=CollectorRegistry(),
        logs="off",
        traces=False,
        check_cache_seconds=0,
        check_timeout_seconds=LONG,
        probe_timeout_seconds=LONG,
    )
    yield Service(kit)
    kit.shutdown()


@pytest.fixture
def threads() -> Callable[[], int]:
    """Count threads that run checks."""
    return lambda: sum(one.name.startswith("observekit-check-") for one in threading.enumerate())
