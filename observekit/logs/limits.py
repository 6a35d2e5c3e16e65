"""How many records of an event are written: a share of them, or so many a second; the others are counted.

What is kept back is told by the next record of the same event that is written, in its field ``suppressed``.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from random import random
from threading import RLock
from time import monotonic
from typing import Any, Final

from observekit.guard import QUIET_SECONDS, in_forked_child

ANY: Final = "*"
"""Stands for every event that is not named."""

# Names of events come from code; should somebody make them of data, those past these share one limit.
_KEPT: Final = 1024
_LONGEST_NAME: Final = 256
_OTHERS: Final = "…"
# Ten tenths of a second are a little less than one.
_ONE: Final = 1 - 1e-6
# Source: OpenTelemetry specification, TraceIdRatioBased: the lower 64 bits of the id decide, so that all
# lines of a trace are kept or none, and those of sampled traces first.
_IDS: Final = 2**64

Suppressed = Callable[[str, int], None]


class _Event:
    """What is known of one event: what it may still write, and what was kept back since it last did."""

    __slots__ = ("at", "rate", "room", "share", "since", "suppressed")

    def __init__(self, rate: float, share: float, now: float) -> None:
        self.rate = rate
        self.share = share
        # A second's worth at once, and one at least: a rate of 0.1 writes one in ten seconds.
        self.room = max(1.0, rate) if rate > 0 else 0.0
        self.at = now
        self.suppressed = 0
        self.since = now


class Limits:
    """Decides which records are written.

    Args:
        rates: Records a second by event.
        shares: Share of records by event, from 0 to 1.
        suppressed: Told the reason and the number of those that are not written.
    """

    def __init__(
        self, rates: Mapping[str, float], shares: Mapping[str, float], suppressed: Suppressed
    ) -> None:
        self._rates = rates
        self._shares = shares
        self._suppressed = suppressed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing kept back; also in a forked child, whose parent tells of its own."""
        self._lock = RLock()
        self._events: dict[str, _Event] = {}
        self._told = monotonic()

    def concern(self, event: str) -> bool:
        """Whether records of *event* may be kept back."""
        return any(name in limits for limits in (self._rates, self._shares) for name in (event, ANY))

    def admit(self, event: str, trace_id: str | None) -> int | None:
        """Return how many were kept back before this record, which is written; ``None`` if it is not."""
        one = self._events.get(event)
        if one is None:
            one = self._new(event)
        if one.share < 1 and not _is_in(one.share, trace_id):
            reason = "sampled"
        else:
            reason = "rate_limited"
            now = monotonic()
            # No call within, so that no thread that ends with the process holds it for ever.
            with self._lock:
                room = one.room + (now - one.at) * one.rate
                most = one.rate if one.rate > 1 else 1.0
                one.room = room if room < most else most  # noqa: FURB136 -- a call
                one.at = now
                if one.room >= _ONE:
                    one.room -= 1
                    told, one.suppressed = one.suppressed, 0
                    return told
        with self._lock:
            if not one.suppressed:
                one.since = one.at
            one.suppressed += 1
        self._suppressed(reason, 1)
        return None

    def untold(self, *, all_of_them: bool = False) -> Iterator[tuple[str, int]]:
        """Yield what was kept back of events that are silent for a minute, or of *all_of_them*."""
        now = monotonic()
        if not all_of_them and now - self._told < QUIET_SECONDS:
            return
        self._told = now
        for name, one in list(self._events.items()):
            with self._lock:
                told = one.suppressed
                if all_of_them or now - one.since >= QUIET_SECONDS:
                    one.suppressed = 0
                else:
                    told = 0
            if told:
                yield name, told

    def _new(self, event: str) -> _Event:
        name = event
        named = event in self._rates or event in self._shares
        if not named and (len(event) > _LONGEST_NAME or len(self._events) >= _KEPT):
            name = _OTHERS
        rate = self._rates.get(event, self._rates.get(ANY, math.inf))
        share = self._shares.get(event, self._shares.get(ANY, 1.0))
        return self._events.setdefault(name, _Event(rate, share, monotonic()))


def kind_of(event: object) -> str:
    """Return the name under which records of *event* are counted."""
    return event if type(event) is str else _OTHERS


def _is_in(share: float, trace_id: Any) -> bool:
    if type(trace_id) is str:
        return int(trace_id[16:], 16) < share * _IDS
    return random() < share  # noqa: S311 -- nobody gains anything by guessing which lines are kept
