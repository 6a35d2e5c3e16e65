"""What a family of metrics is, for all the workers of a group."""

import struct
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

Merge = Literal[
    "sum", "live_sum", "min", "live_min", "max", "live_max", "most_recent", "live_most_recent", "worker"
]
Labels = tuple[str, ...]
Values = list[float]
if TYPE_CHECKING:
    Record = memoryview[float]
else:
    Record = memoryview  # Of doubles, exactly as many as the shape is wide: what is stored is seen by all.

_LIVE: Final = "live_"
_DOUBLE: Final = struct.Struct("=d")
_ABSENT_BITS: Final = struct.pack("=Q", 0x7FF8_6F62_7365_7276)

ABSENT: Final[float] = _DOUBLE.unpack(_ABSENT_BITS)[0]
"""The first double of a series that its worker has no more; a NaN that nobody computes or sets."""

ABSENT_BYTES: Final = _DOUBLE.pack(ABSENT)


def is_absent(value: float) -> bool:
    """Tell whether *value* is ABSENT, and not a NaN that somebody has counted."""
    return value != value and _DOUBLE.pack(value) == _ABSENT_BITS  # noqa: PLR0124 -- only a NaN is not itself


class Shape(NamedTuple):
    """What a family is. Series of equal shapes are added up, whatever their help says.

    Attributes:
        merge: ``sum``, ``min``, ``max`` and ``most_recent`` over all workers that ever lived, ``live_`` over
            those alive; ``worker`` keeps a series for each worker alive, with its slot as the last label.
    """

    name: str
    kind: str
    help: str
    unit: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    merge: Merge

    @property
    def width(self) -> int:
        """Return how many doubles a series has.

        A histogram has its counts, one for each bucket and one for +Inf, none of them cumulative, and then
        its sum; a summary its count and its sum; a gauge its value and the Unix seconds of its last set.
        """
        if self.kind == "histogram":
            return len(self.bounds) + 2
        return 2 if self.kind in ("gauge", "summary") else 1

    @property
    def identity(self) -> "Shape":
        """Return what has to be equal for series to be added up."""
        return self._replace(help="")

    @property
    def of_the_living(self) -> bool:
        """Tell whether the series of a worker go with it."""
        return self.merge == "worker" or self.merge.startswith(_LIVE)

    @property
    def counts(self) -> int:
        """Return how many of its first doubles can never be negative."""
        if self.kind == "histogram":
            return len(self.bounds) + 1
        return 1 if self.kind in ("counter", "summary") else 0


class SharedExemplar(NamedTuple):
    """The trace behind one observation, as it goes between workers."""

    labels: dict[str, str]
    value: float
    timestamp: float
