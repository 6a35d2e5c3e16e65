"""The lifespan protocol passes through unchanged, and says where the process is in its life."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from starlette.applications import Starlette

from observekit.http.layer import HttpLayer
from observekit.http.lifespan import Lifespan

if TYPE_CHECKING:
    from tests.http.conftest import Bench

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


class BrokenError(Exception):
    """What the application raises."""


class Life:
    """One run of the protocol, as a server makes it."""

    def __init__(self) -> None:
        self.incoming = [dict(STARTUP), dict(SHUTDOWN)]
        self.sent: list[Any] = []
        self.error: BaseException | None = None
        self.scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def receive(self) -> Any:
        return self.incoming.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def live(self, app: Any) -> "Life":
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 -- as a server does
            self.error = error
        return self


def said(life: Life) -> tuple[list[str], type[BaseException] | None]:
    return [message["type"] for message in life.sent], None if life.error is None else type(life.error)


def framework(*, at_start: bool = False, at_end: bool = False) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        if at_start:
            raise BrokenError("start")
        yield {"kept": "state"}
        if at_end:
            raise BrokenError("end")

    return Starlette(lifespan=lifespan)


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """Return at once."""


async def odd(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "of.tomorrow"})
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def shapeless(scope: Any, receive: Any, send: Any) -> None:
    """Say what is no word at all."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await send({"type": ["lifespan"]})
    await send({"type": "lifespan.shutdown.complete"})


LIVES: dict[str, tuple[Callable[[], Any], str]] = {
    "a framework": (framework, "stopped"),
    "failing at its start": (lambda: framework(at_start=True), "broken"),
    "failing at its end": (lambda: framework(at_end=True), "stopped"),
    "without a lifespan": (lambda: without_lifespan, "ready"),
    "without a word": (lambda: silent, "ready"),
    "with words of tomorrow": (lambda: odd, "stopped"),
    "with what is no word": (lambda: shapeless, "stopped"),
}


@pytest.mark.parametrize(("make", "state"), LIVES.values(), ids=LIVES)
def test_a_life_is_the_same_with_and_without(bench: "Bench", make: Callable[[], Any], state: str) -> None:
    without = bench.run(Life().live(make()))
    observed = bench.run(Life().live(bench.layer(make())))

    assert said(observed) == said(without)
    assert str(observed.error) == str(without.error)
    assert observed.scope["state"] == without.scope["state"]
    assert bench.lifecycle.state == state
    assert sum(bench.guard.failures.values()) == 0


def test_the_message_of_a_failed_start_reaches_the_server(bench: "Bench") -> None:
    life = bench.run(Life().live(bench.layer(framework(at_start=True))))

    assert life.sent[-1]["type"] == "lifespan.startup.failed"
    assert life.sent[-1]["message"].rstrip().endswith("BrokenError: start")


@pytest.mark.parametrize("times", [1, 2])
def test_telemetry_is_flushed_once_for_each_life(bench: "Bench", times: int) -> None:
    layer = bench.layer(framework())

    for _ in range(times):
        bench.run(Life().live(layer))

    assert bench.flushed == times


def test_telemetry_is_flushed_when_the_last_of_two_applications_has_ended(bench: "Bench") -> None:
    states: list[tuple[str, int]] = []

    async def both(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        inner = Life()
        await inner.live(bench.layer(framework()))
        states.append((bench.lifecycle.state, bench.flushed))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    bench.run(Life().live(bench.layer(both)))

    assert states == [("draining", 0)]
    assert bench.flushed == 1


@pytest.mark.parametrize(("failing", "times"), [("configured", 2), ("flush", 1)])
@pytest.mark.parametrize("error", [ValueError, RecursionError])
def test_what_fails_around_a_life_is_counted_and_told_to_nobody_else(
    bench: "Bench", failing: str, times: int, error: type[Exception]
) -> None:
    def configured() -> None:
        if failing == "configured":
            raise error

    async def flush() -> None:
        if failing == "flush":
            raise error

    lifespan = Lifespan(bench.lifecycle, configured, flush, bench.guard)
    layer = HttpLayer(framework(), bench.parts._replace(lifespan=lifespan))

    life = bench.run(Life().live(layer))

    assert said(life) == (["lifespan.startup.complete", "lifespan.shutdown.complete"], None)
    assert sum(bench.guard.failures.values()) == times


def test_a_life_on_trio_is_the_same(bench: "Bench") -> None:
    life = trio.run(Life().live, bench.layer(framework()))

    assert said(life) == (["lifespan.startup.complete", "lifespan.shutdown.complete"], None)
    assert bench.lifecycle.state == "stopped"
