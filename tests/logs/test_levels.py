"""Each logger has a level: that of the most specific name that has one, of structlog and of logging alike."""

import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from observekit import setup
from observekit.logs.levels import Levels
from observekit.logs.takeover import Takeover

NAMES = ("shop", "shop.orders", "shop.orders.db", "shopping")
METHODS = ("debug", "info", "warning", "error")
Said = Callable[..., set[tuple[str, str, str]]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    """Log once at each level with each logger of both kinds, under a kit of such settings."""

    def say(**settings: Any) -> set[tuple[str, str, str]]:
        kit = setup(registry=CollectorRegistry(), traces=False, log_format="json", **settings)
        try:
            for name in NAMES:
                for method in METHODS:
                    getattr(structlog.get_logger(name), method)("by structlog")
                    getattr(logging.getLogger(name), method)("by logging")
        finally:
            kit.shutdown()
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return {(one["event"], one["logger"], one["level"]) for one in lines if one["logger"] in NAMES}

    return say


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [one.level for one in loggers]
    yield
    assert [one.level for one in loggers] == before


def _from(least: dict[str, str]) -> set[tuple[str, str, str]]:
    return {
        (event, name, method)
        for event in ("by structlog", "by logging")
        for name, level in least.items()
        for method in METHODS[METHODS.index(level) :]
    }


def test_the_most_specific_name_wins_and_what_only_begins_alike_is_another(said: Said) -> None:
    told = said(log_level="warning", log_levels={"shop": "error", "shop.orders": "debug"})

    assert told == _from(
        {"shop": "error", "shop.orders": "debug", "shop.orders.db": "debug", "shopping": "warning"}
    )


def test_levels_come_from_the_environment(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVEKIT_LOG_LEVELS", "shop = Debug, shop.orders=warning")

    assert said() == _from(
        {"shop": "debug", "shop.orders": "warning", "shop.orders.db": "warning", "shopping": "info"}
    )


def test_a_level_that_is_none_is_reported_and_all_loggers_have_the_common_one(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSERVEKIT_LOG_LEVELS", "shop=debug,shop.orders=loud")

    assert said() == _from(dict.fromkeys(NAMES, "info"))


def test_a_logger_that_is_in_use_knows_its_level(
    capfd: pytest.CaptureFixture[str],
) -> None:
    kit = setup(registry=CollectorRegistry(), traces=False, log_levels={"shop": "error"})
    try:
        bound = structlog.get_logger("shop").bind(order=1)
        told = bound.get_effective_level(), bound.is_enabled_for(logging.WARNING), bound.is_enabled_for(40)
    finally:
        kit.shutdown()

    assert told == (logging.ERROR, False, True)


def test_a_level_outlives_the_configuration_that_a_server_brings(capfd: pytest.CaptureFixture[str]) -> None:
    kit = setup(
        registry=CollectorRegistry(), traces=False, log_format="json", log_levels={"uvicorn": "error"}
    )
    before = logging.getLogger("uvicorn.error").level
    try:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"default": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}},
                "loggers": {"uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False}},
            }
        )
        logging.getLogger("uvicorn.error").info("unwanted")
        logging.getLogger("uvicorn.error").error("wanted")
    finally:
        kit.shutdown()
        logging.getLogger("uvicorn.error").setLevel(before)

    out, err = capfd.readouterr()
    assert ("unwanted" in out + err, '"event":"wanted"' in out, err) == (False, True, "")


@pytest.mark.parametrize(("level", "written"), [("info", True), ("warning", False)])
def test_our_own_events_have_a_level_like_all_others(
    capfd: pytest.CaptureFixture[str], level: str, *, written: bool
) -> None:
    setup(
        registry=CollectorRegistry(), traces=False, log_format="json", log_levels={"observekit": level}
    ).shutdown()

    assert ('"event":"observekit.started"' in capfd.readouterr().out) == written


@pytest.fixture
def takeover() -> Iterator[Takeover]:
    def failed(error: Exception) -> None:
        raise error

    takeover = Takeover(logging.NullHandler(), Levels(logging.INFO), failed)
    yield takeover
    takeover.give_back()


@pytest.fixture
def client() -> Iterator[logging.Logger]:
    """The logger of httpx as it is before anybody has changed it."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.NOTSET)
    yield logger
    logger.setLevel(before)


def test_the_lines_of_a_client_for_each_request_it_sends_are_left_out(
    takeover: Takeover, client: logging.Logger
) -> None:
    takeover.take()
    during = client.level
    takeover.give_back()

    assert (during, client.level) == (logging.WARNING, logging.NOTSET)


def test_a_client_whose_level_somebody_has_set_keeps_it(takeover: Takeover, client: logging.Logger) -> None:
    client.setLevel(logging.DEBUG)

    takeover.take()
    during = client.level
    takeover.give_back()

    assert (during, client.level) == (logging.DEBUG, logging.DEBUG)
