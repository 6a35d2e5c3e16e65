"""On trio, what is under way when the kit ends, or cannot be begun at all, gets an answer too."""

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import pytest
import trio
from starlette.applications import Starlette

from observekit.integrations.trio import result_of
from observekit.ops.aside import Aside

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed, OnTrio

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Begin = Callable[..., "OnTrio"]


def failures(observed: "Observed") -> dict[tuple[str, ...], float]:
    """Return what of ours has failed."""
    return observed.samples("observekit_internal_errors_total")


def asides() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "observekit-aside"}


def test_the_thread_beside_trio_ends_with_the_kit(observed: "Observed", begin: Begin) -> None:
    before = asides()  # Those of other tests end when they like.
    server = begin(Starlette())
    server.get("/readyz")
    (aside,) = asides() - before

    observed.kit.shutdown()

    aside.join(LONG)
    assert not aside.is_alive()


def test_a_probe_under_way_when_the_kit_ends_is_answered(observed: "Observed", begin: Begin) -> None:
    running, release, before = threading.Event(), threading.Event(), asides()

    @observed.kit.readiness(timeout_seconds=LONG)
    def database() -> None:
        running.set()
        release.wait(LONG)

    server = begin(Starlette())
    told: list[tuple[int, str]] = []
    asker = threading.Thread(target=lambda: told.append(server.get("/readyz")), daemon=True)
    asker.start()
    assert running.wait(LONG)
    (aside,) = asides() - before

    observed.kit.shutdown()
    release.set()

    asker.join(LONG)
    aside.join(LONG)
    assert [status for status, _ in told] == [503]  # It is stopped by then.
    assert not aside.is_alive()
    assert failures(observed) == {}


def test_an_answer_that_does_not_come_is_given_up_some_time_after_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("observekit.ops.aside._LAST_ANSWERS_SECONDS", 0.01)
    aside, began = Aside(result_of), threading.Event()
    told: list[BaseException] = []

    async def hang() -> Any:
        began.set()
        await asyncio.get_running_loop().create_future()

    async def ask() -> None:
        try:
            await aside.answer(hang)
        except Exception as error:  # noqa: BLE001 -- as an endpoint does
            told.append(error)

    async def both() -> None:
        with trio.fail_after(LONG):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                await trio.to_thread.run_sync(began.wait)
                aside.close()

    trio.run(both)

    assert [type(one) for one in told] == [CancelledError]


def test_a_probe_that_finds_no_thread_is_answered_and_leaves_nothing_behind(
    observed: "Observed", begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        if thread.name == "observekit-aside":
            raise RuntimeError("can't start new thread")
        start(thread)

    server = begin(Starlette())
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", refuse)

    told = server.get("/readyz")[0]
    monkeypatch.undo()
    gc.collect()  # A coroutine that nobody awaited would say so now, which fails the test.

    assert told == 500
    assert server.get("/readyz") == (200, "ok\n")
    assert failures(observed) == {("health",): 1.0}
