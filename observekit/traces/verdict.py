"""What a collector's answer means for the spans it was sent."""

from typing import Literal, NamedTuple

Kind = Literal["taken", "again", "too_large", "rejected", "no_collector"]


class Verdict(NamedTuple):
    """What became of one request.

    Attributes:
        kind: ``taken``: it arrived. ``again``: it may be tried again. ``too_large``: it may arrive in pieces.
            ``rejected``: the collector will never take it. ``no_collector``: who answered is none.
        why: That in words, for people; empty where all is well.
        rejected: Spans that the collector refused of those it took.
        after_seconds: Before which it asks not to be tried again; ``None`` where it does not say.
        answered: Whether there was anybody at all.
    """

    kind: Kind
    why: str = ""
    rejected: int = 0
    after_seconds: float | None = None
    answered: bool = True
