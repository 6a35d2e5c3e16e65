"""What OpenTelemetry logs of itself has a level of its own, if somebody sets one."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import setup

NAMES = ("opentelemetry", "opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.tested", "shop")
LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
Said = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    """Log once at each level with each logger, under a kit of such settings; return what was written."""

    def say(**settings: Any) -> list[tuple[str, str]]:
        kit = setup(registry=CollectorRegistry(), traces=False, log_format="json", **settings)
        for name in NAMES:
            for level in LEVELS:
                logging.getLogger(name).log(level, "said")
        kit.shutdown()
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return [(line["logger"], line["level"]) for line in lines if line["event"] == "said"]

    return say


def _from(level: int, *names: str) -> list[tuple[str, str]]:
    return [(name, logging.getLevelName(one).lower()) for name in names for one in LEVELS if one >= level]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("opentelemetry", "opentelemetry.exporter.otlp")]
    before = [(one.level, list(one.handlers)) for one in loggers]
    yield
    assert [(one.level, list(one.handlers)) for one in loggers] == before


@pytest.mark.parametrize(
    ("otel", "level"), [("debug", logging.DEBUG), ("warning", logging.WARNING), ("error", logging.ERROR)]
)
def test_its_records_are_taken_in_from_its_level_on_and_those_of_others_as_ever(
    said: Said, otel: str, level: int
) -> None:
    assert said(otel_log_level=otel) == [*_from(level, *NAMES[:3]), *_from(logging.INFO, NAMES[3])]


def test_without_a_level_of_its_own_they_are_as_others_and_failed_exports_are_quiet(said: Said) -> None:
    assert said() == _from(logging.INFO, NAMES[0], NAMES[1], NAMES[3])


def test_a_level_that_somebody_has_given_a_logger_stays(said: Said) -> None:
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    try:
        told = said(otel_log_level="debug")
    finally:
        logging.getLogger("opentelemetry").setLevel(logging.NOTSET)

    assert told == [
        *_from(logging.ERROR, *NAMES[:2]),
        *_from(logging.DEBUG, NAMES[2]),
        *_from(logging.INFO, NAMES[3]),
    ]
