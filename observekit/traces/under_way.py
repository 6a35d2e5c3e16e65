"""Spans that have begun and not ended: how many, and nothing that would keep them in memory."""

from typing import Final

from observekit.guard import in_forked_child

# Spans that nobody ends stay counted. More of them say nothing new, and would take memory without end.
_MOST: Final = 16_384


class OpenSpans:
    """Counts recorded spans from their begin to their end, by their ids; up to 16,384.

    A stream that was abandoned has a span that nobody will end: a number that only rises is a leak.
    """

    __slots__ = ("__weakref__", "_ids")

    def __init__(self) -> None:
        self._ids: dict[int, None] = {}
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with none in a forked child: those of the parent end there."""
        self._ids.clear()

    # A dictionary takes each of these in one step, whichever thread or signal handler comes in between.

    def began(self, span_id: int) -> None:
        """Count a span that has begun."""
        if len(self._ids) < _MOST:
            self._ids[span_id] = None

    def ended(self, span_id: int) -> None:
        """Count it no more."""
        self._ids.pop(span_id, None)

    def count(self) -> int:
        """Return how many there are."""
        return len(self._ids)
