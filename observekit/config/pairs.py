"""A mapping by texts that cannot be changed: a configuration can so be compared, hashed, copied and sent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

Value = TypeVar("Value")


class Pairs(Mapping[str, Value]):
    """A copy of *pairs*; unlike a mapping proxy it has a hash, and goes to another process."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Mapping[str, Value]) -> None:
        self._pairs = dict(pairs)

    def __getitem__(self, key: str) -> Value:
        return self._pairs[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self._pairs.items()))

    def __reduce__(self) -> tuple[type["Pairs[Value]"], tuple[dict[str, Value]]]:
        return Pairs, (dict(self._pairs),)


NOTHING: Final[Mapping[str, Any]] = Pairs({})
"""No pairs."""
