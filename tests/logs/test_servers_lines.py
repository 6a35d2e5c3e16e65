"""What servers say of a request joins the request, and shows no query."""

import logging
from collections.abc import Callable

import pytest

from observekit.guard import Guard
from observekit.logs.encoder import encode
from observekit.logs.pipeline import Pipeline
from observekit.logs.stdlib import RecordHandler
from observekit.logs.told import remember

IDS = {"trace_id": "ab" * 16, "span_id": "cd" * 8, "trace_flags": "01"}


@pytest.fixture
def line() -> Callable[..., str]:
    """Return the line that a record of a logger becomes."""

    def write(logger: str, message: str, *values: object, error: BaseException | None = None) -> str:
        lines: list[bytes] = []
        pipeline = Pipeline("service", encode, lines.append, lambda _: None, Guard(()))
        info = None if error is None else (type(error), error, error.__traceback__)
        record = logging.LogRecord(logger, logging.ERROR, "", 0, message, values, info)
        RecordHandler(pipeline, logging.DEBUG).emit(record)
        return lines[0].decode()

    return write


def raised() -> ValueError:
    with pytest.raises(ValueError, match="no") as caught:
        int("no")
    return caught.value


def test_an_exception_that_was_told_is_not_told_again_and_its_line_has_the_ids(
    line: Callable[..., str],
) -> None:
    error = raised()
    remember(error, IDS)

    written = line("uvicorn.error", "Exception in ASGI application\n", error=error)

    assert '"trace_id":"' + IDS["trace_id"] in written
    assert '"exception_type":"ValueError"' in written
    assert '"frames"' not in written


def test_an_exception_that_nobody_told_is_told_in_full(line: Callable[..., str]) -> None:
    assert '"frames"' in line("uvicorn.error", "Exception in ASGI application", error=raised())


def test_the_application_may_log_an_exception_that_was_told(line: Callable[..., str]) -> None:
    error = raised()
    remember(error, IDS)

    assert '"frames"' in line("shop", "again", error=error)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('%s - "WebSocket /ws?ticket=CANARY" [accepted]', '"event":"1 - \\"WebSocket /ws\\" [accepted]"'),
        ("is it? %s", '"event":"is it? 1"'),
    ],
)
def test_a_line_of_a_server_has_no_query(line: Callable[..., str], message: str, shown: str) -> None:
    written = line("uvicorn.error", message, 1)

    assert shown in written
    assert "CANARY" not in written
