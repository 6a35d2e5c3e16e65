"""The life of an application passes between it and its server as it is, and is no request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from .apps import BrokenError, foreign
from .client import App, Message, run
from .subjects import Subject


def living(*, fails_at: str = "") -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        if fails_at == "start":
            raise BrokenError
        yield {"kept": "state"}
        if fails_at == "end":
            raise BrokenError

    return Starlette(lifespan=lifespan)


async def refuses(scope: Any, receive: Any, send: Any) -> None:
    """An application that knows requests only, and says so."""
    raise BrokenError


async def gives_up(scope: Any, receive: Any, send: Any) -> None:
    """An application that says itself that it cannot start."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


LIVES: dict[str, Any] = {
    "starts and ends": living,
    "fails to start": lambda: living(fails_at="start"),
    "fails to end": lambda: living(fails_at="end"),
    "says that it cannot start": lambda: gives_up,
    "has no lifespan": lambda: refuses,
    "does not know of lifespans": lambda: foreign,
}


class Life(list[Message]):
    """One run of the protocol: what the server was told, the state that it keeps, and what was raised."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] = {}
        self.error: type[BaseException] | None = None

    async def live(self, app: App) -> "Life":
        incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Message:
            return dict(incoming.pop(0))

        async def send(message: Message) -> None:
            self.append(message)

        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}, receive, send)
        except BaseException as error:  # noqa: BLE001 -- as a server does
            self.error = type(error)
        return self


@pytest.mark.parametrize("make", LIVES.values(), ids=LIVES)
def test_a_life_is_that_of_the_bare_application(subject: Subject, make: Any) -> None:
    bare = run(Life().live(make()))

    observed = run(Life().live(subject.wrap(make())))

    assert (observed, observed.state, observed.error) == (bare, bare.state, bare.error)


@pytest.mark.parametrize("make", LIVES.values(), ids=LIVES)
def test_a_life_is_no_request(subject: Subject, make: Any) -> None:
    run(Life().live(subject.wrap(make())))

    assert (subject.requests(), subject.in_flight()) == ([], 0)
