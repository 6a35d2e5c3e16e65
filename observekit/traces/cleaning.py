"""Values of attributes as a span keeps them: bounded, copied, and whatever they are, without raising."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.util.types import AttributeValue

_PLAIN: Final = frozenset({bool, int, float, type(None)})
# Source: a collection with more is data, not an attribute; a span has 64 KiB in all.
_ITEMS: Final = 1024
_DEPTH: Final = 16
_LEFT_OUT: Final = "<more left out>"


class Limits(NamedTuple):
    """How much a span may hold.

    Attributes:
        attributes: Attributes of a span.
        length: Characters of a text among them.
        events: Events of a span.
        links: Links of a span.
        event_attributes: Attributes of an event.
        link_attributes: Attributes of a link.
        event_length: Characters of a text among those two.
    """

    attributes: int
    length: int
    events: int
    links: int
    event_attributes: int
    link_attributes: int
    event_length: int


def cleaned(value: object, length: int) -> AttributeValue:
    """Return *value* as it can be kept: texts cut to *length* characters, collections copied."""
    kind: Any = type(value)
    if kind is str or kind in _PLAIN:
        plain: Any = value
        return plain[:length] if kind is str else plain  # type: ignore[no-any-return]  # see kind
    found: Any = _Cleaner(length).clean(value, 0)
    return found  # type: ignore[no-any-return]  # all that it returns is a value


def taken(found: dict[str, AttributeValue], more: Mapping[Any, object] | None, most: int, length: int) -> int:
    """Put *more* attributes into *found*, which holds *most* at the most; return how many found no room."""
    dropped = 0
    for key, value in (more or {}).items():
        if not isinstance(key, str) or not key or (key not in found and len(found) >= most):
            dropped += 1
        else:
            found[key] = cleaned(value, length)
    return dropped


class _Cleaner:
    """Copies one value, with an end to how much of it."""

    __slots__ = ("_items", "_length")

    def __init__(self, length: int) -> None:
        self._length = length
        self._items = 0

    def clean(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return str.__str__(value)[: self._length]
        if isinstance(value, bytes):
            return value[: self._length]
        try:
            return self._collection(value, depth)
        except Exception as error:  # noqa: BLE001 -- whatever its own methods are
            return f"<cannot be shown, {type(error).__name__}>"

    def _collection(self, value: object, depth: int) -> object:
        if not isinstance(value, Sequence | Mapping):
            return str.__str__(str(value))[: self._length]
        if depth >= _DEPTH:
            return "<too deep>"
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        kept: list[object] = []
        for one in value:
            if not self._has_room():
                kept.append(_LEFT_OUT)
                break
            kept.append(self.clean(one, depth + 1))
        return tuple(kept)

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, object]:
        kept: dict[str, object] = {}
        for key, one in value.items():
            if not self._has_room():
                kept[_LEFT_OUT] = True
                break
            kept[str(key)[: self._length]] = self.clean(one, depth + 1)
        return kept

    def _has_room(self) -> bool:
        self._items += 1
        return self._items <= _ITEMS
