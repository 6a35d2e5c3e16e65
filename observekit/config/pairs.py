"""A mapping of texts that cannot be changed: a configuration can so be compared, hashed, copied and sent."""

from collections.abc import Iterator, Mapping
from typing import Final


class Pairs(Mapping[str, str]):
    """A copy of *pairs*; unlike a mapping proxy it has a hash, and goes to another process."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = dict(pairs)

    def __getitem__(self, key: str) -> str:
        return self._pairs[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self._pairs.items()))

    def __reduce__(self) -> tuple[type["Pairs"], tuple[dict[str, str]]]:
        return Pairs, (dict(self._pairs),)


NOTHING: Final[Mapping[str, str]] = Pairs({})
"""No pairs."""
