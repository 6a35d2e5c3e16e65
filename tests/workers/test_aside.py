"""Whoever does not answer holds a thread, but not as many as there are questions."""

import threading
from contextlib import suppress

import pytest

from observekit.metrics.workers.aside import MOST_THREADS, Aside, Helpers, LateError
from tests.waiting import until

pytestmark = pytest.mark.once


def test_where_too_many_hang_nobody_further_is_asked_until_one_has_answered() -> None:
    before = set(threading.enumerate())
    helpers, answers = Helpers(), threading.Event()
    hanging = [Aside[bool](helpers) for _ in range(MOST_THREADS)]
    further = Aside[int](helpers)

    def threads() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one not in before]

    def answered() -> bool:
        with suppress(LateError):
            return further.ask(lambda: 5, 20.0) == 5
        return False

    try:
        for one in hanging:
            with pytest.raises(LateError, match="took over"):
                one.ask(lambda: answers.wait(40), 0.001)
        for _ in range(2):
            with pytest.raises(LateError, match="8 others have not returned"):
                further.ask(lambda: 5)
        assert len(threads()) == MOST_THREADS
    finally:
        answers.set()

    until(answered)
    until(lambda: len(threads()) == 1)
    for one in hanging:
        assert one.ask(lambda: True, 20.0)
    helpers.close()
    until(lambda: not threads())
