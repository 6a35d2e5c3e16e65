"""What servers and asyncio say takes our shape: nothing is said twice, and no query is shown."""

import logging
from collections.abc import Callable

import pytest

from observekit.guard import Guard
from observekit.logs.encoder import encode
from observekit.logs.pipeline import Pipeline
from observekit.logs.stdlib import RecordHandler
from observekit.logs.told import remember


@pytest.fixture
def line() -> Callable[..., str]:
    """Return the line that a record of a logger becomes."""

    def write(
        logger: str,
        message: str,
        *values: object,
        error: BaseException | None = None,
        replaces_access: bool = True,
    ) -> str:
        lines: list[bytes] = []
        pipeline = Pipeline("service", encode, lines.append, lambda _: None, Guard(()))
        info = None if error is None else (type(error), error, error.__traceback__)
        record = logging.LogRecord(logger, logging.ERROR, "", 0, message, values, info)
        handler = RecordHandler(pipeline)
        handler.replaces_access = replaces_access
        handler.emit(record)
        return b"".join(lines).decode()

    return write


def raised() -> ValueError:
    with pytest.raises(ValueError, match="no") as caught:
        int("no")
    return caught.value


def test_an_exception_that_a_canonical_event_has_described_is_not_told_again(
    line: Callable[..., str],
) -> None:
    error = raised()
    remember(error)

    assert line("uvicorn.error", "Exception in ASGI application\n", error=error) == ""


def test_an_exception_around_one_that_was_told_is_another(line: Callable[..., str]) -> None:
    inner = raised()
    remember(inner)
    outer = RuntimeError("around it")
    outer.__cause__ = inner

    assert '"caused_by"' in line("uvicorn.error", "Exception in ASGI application\n", error=outer)


def test_an_exception_that_nobody_told_is_told_in_full(line: Callable[..., str]) -> None:
    assert '"frames"' in line("uvicorn.error", "Exception in ASGI application", error=raised())


def test_the_application_may_log_an_exception_that_was_told(line: Callable[..., str]) -> None:
    error = raised()
    remember(error)

    assert '"frames"' in line("shop", "again", error=error)


def test_a_line_of_a_server_has_no_query(line: Callable[..., str]) -> None:
    written = line("gunicorn.error", 'Invalid request "GET /ws?ticket=CANARY HTTP/1.1" from %s', 1)

    assert '"event":"Invalid request \\"GET /ws HTTP/1.1\\" from 1"' in written
    assert '"event":"is it? 1"' in line("uvicorn.error", "is it? %s", 1)


@pytest.mark.parametrize("end", ["[accepted]", "403"])
def test_the_access_line_of_a_websocket_is_replaced_too(line: Callable[..., str], end: str) -> None:
    message = f'%s - "WebSocket %s" {end}'

    assert line("uvicorn.error", message, "127.0.0.1:1", "/ws?ticket=CANARY") == ""
    assert line("shop", message, "127.0.0.1:1", "/ws") != ""
    kept = line("uvicorn.error", message, "127.0.0.1:1", "/ws?ticket=CANARY", replaces_access=False)
    assert f'"WebSocket /ws\\" {end}"' in kept


def test_a_traceback_that_a_server_puts_into_its_text_is_a_field(line: Callable[..., str]) -> None:
    text = 'Traceback (most recent call last):\n  File "a.py", line 1\nOSError: no database\n'

    written = line("uvicorn.error", text)

    assert '"event":"OSError: no database"' in written
    assert '"exception_text":["Traceback (most recent call last):"' in written


def test_an_exception_of_which_a_server_has_the_text_only_is_the_one_that_is_handled(
    line: Callable[..., str],
) -> None:
    text = "Application callable raised an exception\nTraceback (most recent call last):\nValueError: no"
    said = []
    try:
        int("no")
    except ValueError as error:
        said.append(line("_granian.asgi.callbacks", text))
        remember(error)
        said.append(line("_granian.asgi.callbacks", text))
    other = line("_granian.asgi.callbacks", text)

    assert '"event":"Application callable raised an exception"' in said[0]
    assert '"exception":{"type":"ValueError"' in said[0]
    assert said[1] == ""
    assert '"exception_text"' in other


def test_what_asyncio_knows_of_a_task_is_in_fields(line: Callable[..., str]) -> None:
    written = line("asyncio", "Task exception was never retrieved\nfuture: <Task finished>", error=raised())

    assert '"event":"Task exception was never retrieved"' in written
    assert '"future":"<Task finished>"' in written
