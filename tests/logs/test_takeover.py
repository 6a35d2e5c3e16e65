"""The console is taken over, everything else stays, and everything comes back."""

import io
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from observekit.logs.levels import Levels
from observekit.logs.takeover import Takeover

SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access")
NAMES = ("tested", "tested.inner", *SERVERS, "httpx", "opentelemetry.exporter.otlp")

# What uvicorn.run() does to logging.
UVICORN: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "default": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
        "access": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
    },
    "loggers": {
        "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"level": "INFO"},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}


class Kept(logging.Handler):
    """Keeps what it is handed."""

    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def tree() -> dict[str, tuple[Any, ...]]:
    loggers = [logging.getLogger(), *map(logging.getLogger, NAMES)]
    return {
        one.name: (list(one.handlers), one.propagate, one.level, list(one.filters), one.disabled)
        for one in loggers
    }


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = tree()
    yield
    for name, (handlers, propagate, level, filters, disabled) in before.items():
        logger = logging.getLogger(None if name == "root" else name)
        logger.handlers[:], logger.filters[:] = handlers, filters
        logger.propagate, logger.disabled = propagate, disabled
        logger.setLevel(level)


@pytest.fixture
def ours() -> Kept:
    return Kept()


@pytest.fixture
def takeover(ours: Kept) -> Takeover:
    def failed(error: Exception) -> None:
        raise error

    return Takeover(ours, Levels(logging.INFO), failed)


def test_handlers_that_print_are_replaced(takeover: Takeover, ours: Kept) -> None:
    logger = logging.getLogger("tested")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.addHandler(logging.StreamHandler(sys.stdout))

    takeover.take()
    logger.info("said")

    assert (logger.handlers, ours.messages) == ([], ["said"])


def test_handlers_that_write_elsewhere_are_kept(takeover: Takeover, ours: Kept, tmp_path: Path) -> None:
    stream = io.StringIO()
    logger = logging.getLogger("tested")
    file = logging.FileHandler(tmp_path / "log")
    logger.addHandler(file)
    logger.addHandler(logging.StreamHandler(stream))

    takeover.take()
    logger.info("said")
    file.close()

    assert (ours.messages, stream.getvalue(), (tmp_path / "log").read_text()) == (
        ["said"],
        "said\n",
        "said\n",
    )


def test_a_stream_of_its_own_on_the_console_is_the_console(takeover: Takeover) -> None:
    logger = logging.getLogger("tested")
    with open(1, "w", closefd=False) as stream:
        logger.addHandler(logging.StreamHandler(stream))

        takeover.take()

    assert logger.handlers == []


def test_a_logger_that_keeps_to_itself_goes_on_doing_so(takeover: Takeover, ours: Kept) -> None:
    elsewhere = Kept()
    logging.getLogger().addHandler(elsewhere)
    logger = logging.getLogger("tested")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler())
    logging.getLogger("tested.inner").addHandler(logging.StreamHandler())

    takeover.take()
    logger.warning("said")
    logging.getLogger("tested.inner").warning("inside")

    assert (ours.messages, elsewhere.messages) == (["said", "inside"], [])


def test_a_loud_library_stays_below_our_level(takeover: Takeover, ours: Kept) -> None:
    library = logging.getLogger("tested")
    library.setLevel(logging.DEBUG)

    takeover.take()
    library.debug("noise")
    library.info("news")

    assert ours.messages == ["news"]


def test_a_handler_that_wants_more_than_we_do_still_gets_it(takeover: Takeover, ours: Kept) -> None:
    curious = Kept(logging.DEBUG)
    root = logging.getLogger()
    root.addHandler(curious)
    root.setLevel(logging.DEBUG)

    takeover.take()
    logging.getLogger("tested").debug("detail")

    assert (curious.messages, ours.messages) == (["detail"], [])


def test_access_lines_that_are_replaced_are_not_even_formatted(takeover: Takeover, ours: Kept) -> None:
    logging.config.dictConfig(UVICORN)

    takeover.take()
    logging.getLogger("uvicorn.access").info("GET /first")
    takeover.replaces_access = True
    takeover.take()
    logging.getLogger("uvicorn.access").info("GET /")

    assert (logging.getLogger("uvicorn.access").hasHandlers(), ours.messages) == (False, ["GET /first"])


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "kept"])
@pytest.mark.parametrize("when", ["before", "after", "before and after"])
def test_the_lines_of_a_server_come_to_us_whenever_it_is_configured(
    takeover: Takeover, ours: Kept, when: str, capfd: pytest.CaptureFixture[str], *, replaced: bool
) -> None:
    takeover.replaces_access = replaced
    if "before" in when:
        logging.config.dictConfig(UVICORN)
    takeover.take()
    if "after" in when:
        logging.config.dictConfig(UVICORN)

    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.access").info("GET /")

    out, err = capfd.readouterr()
    assert (ours.messages, out, err) == (["Started", *([] if replaced else ["GET /"])], "", "")


def test_once_and_a_hundred_times_are_the_same(takeover: Takeover, ours: Kept) -> None:
    logging.config.dictConfig(UVICORN)
    before = tree()

    takeover.take()
    takeover.replaces_access = True
    takeover.take()
    once = tree()
    for _ in range(99):
        takeover.take()
    hundred = tree()
    takeover.give_back()

    assert (hundred, tree()) == (once, before)


@pytest.mark.parametrize(
    "configure", [lambda: None, lambda: logging.config.dictConfig(UVICORN)], ids=["", "run"]
)
def test_everything_comes_back(takeover: Takeover, configure: Callable[[], None]) -> None:
    logger = logging.getLogger("tested")
    logger.addHandler(logging.StreamHandler())
    logger.addHandler(Kept())
    logging.getLogger().setLevel(logging.ERROR)
    takeover.take()
    configure()
    expected = tree()
    expected["tested"] = (logger.handlers, *expected["tested"][1:])

    takeover.take()
    takeover.give_back()

    root = logging.getLogger()
    assert [type(one) for one in logger.handlers] == [logging.StreamHandler, Kept]
    assert (root.level, [one for one in root.handlers if type(one) is Kept]) == (logging.ERROR, [])
    assert [type(one) for one in logging.getLogger("uvicorn").handlers] == [
        type(one) for one in expected["uvicorn"][0]
    ]
    assert [logging.getLogger(name).filters for name in NAMES] == [[]] * len(NAMES)


def test_what_others_changed_meanwhile_stays_changed(takeover: Takeover) -> None:
    root, added, removed = logging.getLogger(), Kept(), Kept()
    root.addHandler(removed)
    takeover.take()

    root.addHandler(added)
    root.removeHandler(removed)
    root.setLevel(logging.CRITICAL)
    takeover.give_back()

    assert ([one for one in root.handlers if type(one) is Kept], root.level) == ([added], logging.CRITICAL)


def test_a_logger_that_is_disabled_stays_so(takeover: Takeover, ours: Kept) -> None:
    logger = logging.getLogger("tested")
    logger.disabled = True

    takeover.take()
    logger.error("unheard")

    assert (logger.disabled, ours.messages) == (True, [])


def test_nothing_falls_to_the_last_resort(takeover: Takeover, capfd: pytest.CaptureFixture[str]) -> None:
    takeover.take()

    logging.getLogger("tested.inner").warning("said")

    assert capfd.readouterr() == ("", "")


class Odd(logging.StreamHandler[Any]):
    """A handler that does not say where it writes."""

    def __getattribute__(self, name: str) -> Any:
        if name == "stream":
            raise RuntimeError("no stream")
        return super().__getattribute__(name)


def test_what_fails_while_a_server_logs_is_told_and_its_line_goes_on(
    ours: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    failures: list[str] = []
    takeover = Takeover(ours, Levels(logging.INFO), lambda error: failures.append(str(error)))
    takeover.take()
    logging.config.dictConfig(UVICORN)
    logging.getLogger("tested").addHandler(Odd())

    logging.getLogger("uvicorn.error").info("Started")

    assert (failures, capfd.readouterr().err) == (["no stream"], "Started\n")
