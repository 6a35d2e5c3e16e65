"""A kit of its own for each test, with the spans, log lines and samples that it made."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from observekit import Kit, setup


class Seen:
    """What a kit has made of what was done."""

    def __init__(self, kit: Kit, exporter: InMemorySpanExporter, read: Callable[[], str]) -> None:
        self.kit = kit
        self._exporter = exporter
        self._read = read

    def spans(self) -> dict[str, ReadableSpan]:
        """Return the ended spans by name, of several the last."""
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def all_spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def samples(self, name: str) -> dict[str, float]:
        """Return the values of a family by its labels as one text, zeros left out."""
        families = self.kit.registry.collect()
        found = [one for family in families for one in family.samples if one.name == name]
        return {
            " ".join(f"{key}={value}" for key, value in sorted(one.labels.items()) if value): one.value
            for one in found
            if one.value
        }

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of an event; the kit writes none after that."""
        self.kit.shutdown()
        lines = [json.loads(line) for line in self._read().splitlines()]
        return [line for line in lines if line["event"] == name]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    """Set up as a service does, with standard output in a file, and end it after the test."""
    kits: list[Kit] = []
    output = tmp_path / "output"
    stream = output.open("w", encoding="utf-8")

    def read() -> str:
        return output.read_text(encoding="utf-8")

    def start(**settings: Any) -> Seen:
        monkeypatch.setattr(sys, "stdout", stream)  # Here, because pytest sets its own for each phase.
        exporter = InMemorySpanExporter()
        kits.append(setup(registry=CollectorRegistry(), **settings))
        provider: Any = trace.get_tracer_provider()
        if hasattr(provider, "add_span_processor"):
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        return Seen(kits[-1], exporter, read)

    yield start
    for kit in kits:
        kit.shutdown()
    stream.close()


@pytest.fixture
def seen(begin: Callable[..., Seen]) -> Seen:
    return begin()


@pytest.fixture
def ask() -> Callable[[Any], int]:
    """Drive an ASGI application with one request from loopback, and return the status."""

    def drive(app: Any, headers: list[tuple[bytes, bytes]] | None = None) -> int:
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/work",
            "raw_path": b"/work",
            "root_path": "",
            "query_string": b"",
            "scheme": "http",
            "http_version": "1.1",
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
            "headers": headers or [],
        }
        asyncio.run(app(scope, receive, send))
        return statuses[0]

    return drive
