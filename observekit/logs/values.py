"""Values as JSON can hold them, without secrets, and never more than a line has room for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from enum import Enum
from itertools import islice
from math import isfinite
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from observekit.logs.declared import declared
from observekit.redaction import (
    REDACTED,
    hides_card,
    hides_numbers,
    is_exempt,
    is_plain_word,
    names_secret,
    redact_text,
)

# Source: three texts of 16 KiB, or three lists of 500 numbers, fit on a line of 64 KiB.
BUDGET: Final = 48 * 1024
_TEXT_LENGTH: Final = 16 * 1024
_KEY_LENGTH: Final = 256
# Texts up to this length need no look at the budget but one.
_SHORT_LENGTH: Final = 1024
_ITEMS: Final = 512
_DEPTH: Final = 8
# What a value costs beside its text: a number with its quotes, comma and colon.
COST: Final = 32
# How far redaction looks past the end of a text that is cut, so that no secret is cut in two and half shown.
_MARGIN: Final = 4096
# Source: RFC 8259 section 6: readers agree on whole numbers up to 2**53; orjson writes up to 64 bits.
_WHOLE_LIMIT: Final = 2**63
_LONGEST_WHOLE_BITS: Final = 256
# What is below is no number of a card.
_SMALLEST_CARD: Final = 10**13
_AS_TEXT: Final = (UUID, Decimal, PurePath)


class Cleaner:
    """Makes the values of one record fit to be shown; one budget of characters bounds them all together.

    Attributes:
        left: Characters left of the budget; JSON takes at most six bytes for each.
    """

    __slots__ = ("_exempt", "_path", "left")

    def __init__(self, budget: int = BUDGET) -> None:
        self.left = budget
        # Whether what is being shown stands under a key that is exempt from redaction.
        self._exempt = False
        self._path: list[int] = []

    def field(self, key: str, value: Any) -> object:
        """Return what may be shown as the value of *key*.

        Truth values stay, and so do amounts: ``prompt_tokens=12`` is no secret, ``password=1234`` is.
        """
        self.left -= COST
        kind = type(value)
        # The most frequent first.
        if kind is str:
            return REDACTED if names_secret(key) else self.text(value, key)
        if kind is int:
            if hides_numbers(key):
                return REDACTED
            if value < _SMALLEST_CARD:
                return value if value >= -_WHOLE_LIMIT else _number(value)
            return self._large_number(key, value)
        if value is None or kind is bool:
            return value
        return self._rare(key, value)

    def _rare(self, key: str, value: Any) -> object:
        if names_secret(key):
            return self._secret(value, key)
        if type(value) is float:
            return value if isfinite(value) else _number(value)
        return self._large(key, value)

    def text(self, value: str, key: str = "") -> str:
        """Return *value*, which stands under *key*: redacted, encodable, and cut where it is too long."""
        if len(value) <= _SHORT_LENGTH <= self.left and value.isascii() and is_plain_word(value):
            self.left -= len(value)
            return value
        redact = _as_it_is if self._exempt or is_exempt(key[:_KEY_LENGTH]) else redact_text
        if len(value) > _SHORT_LENGTH or self.left < _SHORT_LENGTH:
            value = self._cut(value, redact)
        else:
            value = redact(value)
        self.left -= len(value)
        return _encodable(value)

    def _cut(self, value: str, redact: Callable[[str], str]) -> str:
        room = max(0, min(self.left, _TEXT_LENGTH))
        if len(value) <= room:
            return redact(value)
        more = len(value) - room
        return f"{redact(value[: room + _MARGIN])[:room]}… <{more} more characters left out>"

    def _large(self, key: str, value: object) -> object:
        # One field takes as much as a long text does, so that there is room for those that follow.
        reserve = max(0, self.left - _TEXT_LENGTH)
        self.left -= reserve
        self._exempt = is_exempt(key[:_KEY_LENGTH])
        shown = self._other(value, 0)
        self._exempt = False
        self.left += reserve
        return shown

    def _large_number(self, key: str, value: int) -> object:
        if hides_card(value) and not (self._exempt or is_exempt(key[:_KEY_LENGTH])):
            return REDACTED
        return _number(value)

    def _value(self, value: Any, depth: int, key: str = "") -> object:
        self.left -= COST
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if 0 <= value < _SMALLEST_CARD else self._large_number(key, value)
        if kind is float:
            return _number(value)
        return self.text(value, key) if kind is str else self._other(value, depth)

    def _other(self, value: object, depth: int) -> object:
        try:
            return self._converted(value, depth)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 -- the value's own methods may raise anything
            return self.text(f"<{_type_name(value)}: cannot be shown, {_type_name(error)}>")

    def _converted(self, value: object, depth: int) -> object:
        simple = _simple(value)
        if simple is not value:
            return self._value(simple, depth)
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value[: _TEXT_LENGTH + _MARGIN]).decode("utf-8", "replace"))
        content = _content(value)
        if content is None:
            return self.text(repr(value))
        if depth >= _DEPTH or self.left <= 0 or id(value) in self._path:
            why = "contains itself" if id(value) in self._path else "too deep or too much"
            return self.text(f"<{_type_name(value)}: {why}>")
        self._path.append(id(value))
        try:
            is_mapping = isinstance(content, Mapping)
            return self._mapping(content, depth + 1) if is_mapping else self._items(content, depth + 1)
        finally:
            self._path.pop()

    def _mapping(self, value: Any, depth: int) -> dict[str, object]:
        shown: dict[str, object] = {}
        for key, inner in self._first(value.items()):
            name = self.key(key)
            shown[name] = self._secret(inner, name) if names_secret(name) else self._value(inner, depth, name)
        return shown | (
            {"…": f"<{len(value) - len(shown)} more left out>"} if len(value) > len(shown) else {}
        )

    def _items(self, value: Any, depth: int) -> list[object]:
        if _is_pair(value):
            # As in the headers of an ASGI scope.
            return [self._value(value[0], depth), self._secret(value[1], _named(value[0]))]
        shown = [self._value(inner, depth) for inner in self._first(value)]
        return [*shown, *([f"<{len(value) - len(shown)} more left out>"] if len(value) > len(shown) else [])]

    def _first(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in islice(items, _ITEMS):
            if self.left <= 0:
                return
            yield item

    def key(self, key: object) -> str:
        """Return *key* as text."""
        text = key if type(key) is str else _named(key)
        if len(text) > _KEY_LENGTH:
            text = f"{text[:_KEY_LENGTH]}…"
        self.left -= len(text)
        return _encodable(redact_text(text))

    def _secret(self, value: Any, key: str) -> object:
        kind = type(value)  # Its __class__ may be a property of the user's.
        if value is None or kind is bool:
            return value
        if not issubclass(kind, int | float) or hides_numbers(key):
            return REDACTED
        return _number(value) if issubclass(kind, float) else self._large_number(key, value)


def _as_it_is(text: str) -> str:
    return text


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _number(value: Any) -> object:
    if isinstance(value, float):
        exact_float = float.__float__(value)
        return exact_float if isfinite(exact_float) else float.__repr__(exact_float)
    if isinstance(value, int) and not isinstance(value, bool):
        exact = int.__index__(value)
        if -_WHOLE_LIMIT <= exact < _WHOLE_LIMIT:
            return exact
        bits = exact.bit_length()
        return str(exact) if bits <= _LONGEST_WHOLE_BITS else f"<{bits}-bit integer>"
    return value


def _simple(value: object) -> object:
    """Return the builtin that stands for *value*, or *value* itself where there is none."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        # A subclass; its own methods are the user's.
        return str.__str__(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        item = value.item()  # type: ignore[attr-defined]  # every scalar of numpy's has it
        return value if type(item).__module__ == "numpy" else item
    return str(value) if isinstance(value, _AS_TEXT) else value


def _content(value: object) -> Mapping[Any, Any] | list[Any] | Any:
    """Return what *value* contains, or ``None`` if it is no container, or does not want to be opened."""
    if isinstance(value, tuple) and hasattr(type(value), "_fields"):
        # By their names, which may say that one of them is a secret.
        return declared(type(value), value)
    if isinstance(value, dict | list | tuple | Mapping | AbstractSet | deque):
        return value
    return None if isinstance(value, type) else declared(type(value), value)


def _is_pair(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 -- a name and its value
        return False
    name = value[0]
    return isinstance(name, str | bytes) and names_secret(_named(name))


def _named(key: object) -> str:
    if isinstance(key, bytes):
        return key[:_KEY_LENGTH].decode("utf-8", "replace")
    if isinstance(key, str):
        return str.__str__(key)[:_KEY_LENGTH]
    try:
        return repr(key)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 -- __repr__ is the user's code
        return f"<{_type_name(key)}: cannot be shown, {_type_name(error)}>"


def _type_name(value: object) -> str:
    with suppress(Exception):
        return str(type(value).__name__)[:64]
    return "object"
