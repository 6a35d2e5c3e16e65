"""The short way for what is done most often to a user's metrics: one call, where the usual way takes three.

A value that writes through costs 1.4 times what it costs alone. So a child that has a record gets an ``inc``
or ``observe`` of its own, as prometheus-client gives one to a gauge with a function; whatever is not usual
takes the usual way, and so does whoever has got hold of the method before.

Whoever has got hold of the short one may go on with it in a forked child, or when nothing is shared any
more: so it keeps values, and asks them for their records each time.

It takes no lock, because reading a value and writing it is one statement without a call. Threads are
switched, and signal handlers run, at calls and at jumps back only; that handlers count rightly in the middle
of counting rests on the same. Where there is no interpreter lock there is no short way.
"""

import sys
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from prometheus_client import Counter, Histogram

Short = Callable[..., None]

_HAS_INTERPRETER_LOCK: Final[bool] = getattr(sys, "_is_gil_enabled", lambda: True)()


def put(child: Any) -> None:
    """Give *child*, whose values write through, its short way, if it counts as prometheus-client's do."""
    if not _HAS_INTERPRETER_LOCK:
        return
    # Attributes are set, and not put into __dict__: whoever asks for that has it made, of 300 bytes a series.
    its_type: Any = type(child)
    if issubclass(its_type, Counter) and its_type.inc is Counter.inc:
        child.inc = _increment(child, child._value)
    elif issubclass(its_type, Histogram) and its_type.observe is Histogram.observe:
        child.observe = _observe(child, child._sum)


def take_away(child: Any) -> None:
    """Let *child* go the usual way again."""
    for name, kind in (("inc", Counter), ("observe", Histogram)):
        if isinstance(child, kind):
            with suppress(AttributeError):
                delattr(child, name)


def _increment(child: Any, value: Any) -> Short:
    usual = Counter.inc

    def inc(amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        if exemplar is not None or not amount >= 0 or child._value is not value:
            usual(child, amount, exemplar)
            return
        value._value = value._record[0] = value._value + amount

    return inc


def _observe(child: Any, total: Any) -> Short:
    usual, bounds, buckets = Histogram.observe, child._upper_bounds, child._buckets

    def observe(amount: float, exemplar: dict[str, str] | None = None) -> None:
        # What is no number is in no bucket.
        if exemplar is not None or amount != amount or child._sum is not total:  # noqa: PLR0124
            usual(child, amount, exemplar)
            return
        value = buckets[bisect_left(bounds, amount)]
        total._value = total._record[0] = total._value + amount
        value._value = value._record[0] = value._value + 1

    return observe
