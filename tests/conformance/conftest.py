"""The subject of the suite, and the clock that it reads."""

import sys
from collections.abc import Callable, Iterator
from time import perf_counter

import pytest

from .peers import SUBJECTS
from .subjects import Subject


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The middleware that a case is about; table.py names another than observekit."""
    name = request.config.getoption("subject", default="observekit")
    made = SUBJECTS[name]()
    yield made
    made.close()


class Clock:
    """A time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Clock]:
    """Give the subject a clock that the test rules; call it when the subject is around the application."""

    def begin() -> Clock:
        ruled = Clock()
        monkeypatch.setattr("time.perf_counter", ruled)
        for name, module in list(sys.modules.items()):
            if name.startswith(subject.packages):
                for key in [key for key, value in vars(module).items() if value is perf_counter]:
                    monkeypatch.setattr(module, key, ruled)
        return ruled

    return begin
