"""A kit in a runtime directory of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, setup

Make = Callable[..., Kit]


@pytest.fixture
def make_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Set up in a runtime directory of its own, and end it with the test."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ExitStack() as ends:

        def make(**settings: Any) -> Kit:
            kit = setup(registry=CollectorRegistry(), logs="off", traces=False, **settings)
            ends.callback(kit.shutdown)
            return kit

        yield make
