"""Generators as operations: their context is current while their own code runs, and never in between.

A span that stays current across a ``yield`` becomes the parent of whatever the consumer does meanwhile.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial, wraps
from typing import Any, Protocol

from observekit.operations.run import Run

Current = Callable[[], AbstractContextManager[None]]


class Begins(Protocol):
    """What begins and ends runs."""

    def begin(self) -> Run | None:
        """Begin a run."""

    def end(self, run: Run, error: BaseException | None) -> None:
        """End a run."""


def wrapped_generator(work: Begins, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function*, a generator, so that each is a run of *work* from its first value on."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        run = work.begin()
        try:
            result = yield from _steps(_current(run), function(*args, **kwargs))
        except BaseException as error:
            _end(work, run, error)
            raise
        _end(work, run, None)
        return result

    return call


def _steps(current: Current, inner: Any) -> Any:
    step: Callable[[], Any] = partial(next, inner)
    while True:
        try:
            with current():
                value = step()
        except StopIteration as end:
            return end.value
        try:
            sent = yield value
        except GeneratorExit:
            with current():
                inner.close()
            raise
        except BaseException as error:  # noqa: BLE001 -- what is thrown in is for the code within
            step = partial(inner.throw, error)
        else:
            step = partial(inner.send, sent)


def wrapped_async_generator(work: Begins, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function*, an asynchronous generator, as wrapped_generator() does."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        run = work.begin()
        current = _current(run)
        inner = function(*args, **kwargs)
        step: Callable[[], Any] = partial(anext, inner)
        try:
            while True:
                with current():
                    value = await step()
                try:
                    sent = yield value
                except GeneratorExit:
                    with current():
                        await inner.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001 -- what is thrown in is for the code within
                    step = partial(inner.athrow, thrown)
                else:
                    step = partial(inner.asend, sent)
        except StopAsyncIteration:
            _end(work, run, None)
        except BaseException as error:
            _end(work, run, error)
            raise

    return call


def _current(run: Run | None) -> Current:
    return nullcontext if run is None else run.current


def _end(work: Begins, run: Run | None, error: BaseException | None) -> None:
    if run is not None:
        work.end(run, error)
