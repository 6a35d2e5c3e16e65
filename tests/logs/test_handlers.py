"""What is known of handlers that are replaced: where they lead to, and what their filters do."""

import io
import logging
import queue
import sys
from collections.abc import Callable, Iterator
from logging.handlers import MemoryHandler, QueueHandler, QueueListener
from typing import Any

import pytest

from observekit.logs.handlers import prints
from observekit.logs.levels import Levels
from observekit.logs.takeover import Takeover


class Rich(logging.Handler):
    """A handler that prints in its own way, as rich's does."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self.console = type("Console", (), {"file": file})()


def queued(*handlers: logging.Handler) -> logging.Handler:
    handler = QueueHandler(queue.Queue())
    listener = QueueListener(queue.Queue(), *handlers)
    handler.listener = listener  # type: ignore[attr-defined, unused-ignore]  # since Python 3.12
    return handler


def printing() -> logging.Handler:
    return logging.StreamHandler(sys.__stderr__)


def elsewhere() -> logging.Handler:
    return logging.StreamHandler(io.StringIO())


# Made when they are asked for: logging.config closes every handler that there is.
HANDLERS: dict[str, tuple[Callable[[], logging.Handler], bool]] = {
    "standard error": (printing, True),
    "a buffer": (elsewhere, False),
    "nowhere": (logging.NullHandler, False),
    "memory before standard error": (lambda: MemoryHandler(9, target=printing()), True),
    "memory before a buffer": (lambda: MemoryHandler(9, target=elsewhere()), False),
    "memory before nothing": (lambda: MemoryHandler(9), False),
    "a queue that somebody reads": (lambda: QueueHandler(queue.Queue()), False),
    "a queue to standard error": (lambda: queued(printing()), True),
    "a queue to both": (lambda: queued(printing(), elsewhere()), False),
    "a queue to nowhere": (queued, False),
    "rich": (lambda: Rich(sys.__stdout__), True),
    "rich into a buffer": (lambda: Rich(io.StringIO()), False),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_prints_where_its_records_end_on_the_console(name: str) -> None:
    make, expected = HANDLERS[name]

    assert prints(make()) == expected


class Kept(logging.Handler):
    """Keeps the records it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class AddsId(logging.Filter):
    """What adds an id of the application's own to each record, as many services have it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.correlation_id = "c-1"
        return record.getMessage() != "unwanted"


@pytest.fixture
def ours() -> Kept:
    return Kept()


@pytest.fixture
def failures() -> list[Exception]:
    return []


@pytest.fixture
def takeover(ours: Kept, failures: list[Exception]) -> Takeover:
    return Takeover(ours, Levels(logging.INFO), failures.append)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, without handlers of others."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers[:] = []
    yield root
    root.handlers[:] = before
    root.setLevel(level)


def printer(*filters: Any) -> logging.Handler:
    handler = logging.StreamHandler(sys.__stderr__)
    for one in filters:
        handler.addFilter(one)
    return handler


def said(takeover: Takeover, ours: Kept) -> list[tuple[str, Any]]:
    """Take over, log two lines, and return them as they came, with what was added."""
    takeover.take()
    takeover.take()
    try:
        logging.getLogger("tested").info("wanted")
        logging.getLogger("tested").info("unwanted")
    finally:
        takeover.give_back()
    return [(one.getMessage(), getattr(one, "correlation_id", None)) for one in ours.records]


def test_the_filters_of_the_only_handler_are_asked_as_ever(
    root: logging.Logger, takeover: Takeover, ours: Kept
) -> None:
    root.addHandler(printer(AddsId()))

    assert said(takeover, ours) == [("wanted", "c-1")]
    assert ours.filters == []


def test_filters_of_several_handlers_add_and_leave_nothing_out(
    root: logging.Logger, takeover: Takeover, ours: Kept
) -> None:
    root.addHandler(printer(AddsId()))
    root.addHandler(printer(lambda record: record.levelno >= logging.ERROR))

    assert said(takeover, ours) == [("wanted", "c-1"), ("unwanted", "c-1")]


def test_a_filter_that_fails_is_told_and_its_record_goes_on(
    root: logging.Logger, takeover: Takeover, ours: Kept, failures: list[Exception]
) -> None:
    def broken(_: logging.LogRecord) -> bool:
        raise RuntimeError("no")

    root.addHandler(printer(broken))

    assert said(takeover, ours) == [("wanted", None), ("unwanted", None)]
    assert [str(one) for one in failures] == ["no", "no"]


@pytest.fixture
def late() -> Iterator[Callable[[str, logging.Handler], logging.Logger]]:
    """Have a server configure a logger of its own, as hypercorn does when it says its first word."""
    before = []

    def configure(name: str, *handlers: logging.Handler) -> logging.Logger:
        logger = logging.getLogger(name)
        before.append((logger, list(logger.handlers), logger.level, list(logger.filters)))
        logger.handlers = list(handlers)
        logger.setLevel(logging.INFO)
        return logger

    yield configure
    for logger, handlers, level, filters in before:
        logger.handlers[:], logger.filters[:] = handlers, filters
        logger.setLevel(level)


def test_a_server_that_is_configured_when_it_speaks_is_heard_once(
    takeover: Takeover, ours: Kept, late: Callable[..., logging.Logger], capfd: pytest.CaptureFixture[str]
) -> None:
    takeover.take()
    logger = late("hypercorn.error", logging.StreamHandler(sys.__stderr__))

    logger.info("Running")
    takeover.give_back()

    assert ([one.getMessage() for one in ours.records], capfd.readouterr().err) == (["Running"], "")


def test_access_lines_that_are_replaced_are_not_printed_and_go_where_else_they_are_wanted(
    takeover: Takeover, ours: Kept, late: Callable[..., logging.Logger], capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = io.StringIO()
    takeover.replaces_access = True
    takeover.take()
    printed = logging.StreamHandler(sys.__stdout__)
    logger = late("hypercorn.access", printed, logging.StreamHandler(wanted))

    logger.info("GET /")
    takeover.give_back()

    assert (ours.records, capfd.readouterr().out, wanted.getvalue()) == ([], "", "GET /\n")
