"""How the time that an end may take is shared by the parts that have to end."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Final, NamedTuple

End = Callable[[float], object]


class Part(NamedTuple):
    """What has to come to an end in time."""

    name: str
    flush: End
    close: End


# Share of a budget that is given to nobody: parts end a little late, the more so the more threads want the
# interpreter. Source: eight threads that log on and on made 0.3 s of it.
_KEPT_BACK: Final = 0.1

# What waits for a network gets all that is left, but for this much for each part that comes after it.
# Source: the others write to a pipe or stop a thread, which takes milliseconds.
_NETWORK: Final = frozenset({"traces"})
_RESERVE_SECONDS: Final = 0.3


def shares(names: Sequence[str], budget_seconds: float) -> Iterator[float]:
    """Yield how many seconds each part may take, when it is its turn: what one did not use goes to the next.

    None gets all of it, so that no part uses up the time of those after it.
    """
    deadline = monotonic() + budget_seconds * (1 - _KEPT_BACK)
    for after, name in zip(reversed(range(len(names))), names, strict=True):
        left = max(0.0, deadline - monotonic())
        fair = left / (after + 1)
        yield left - after * min(_RESERVE_SECONDS, fair) if name in _NETWORK else fair
