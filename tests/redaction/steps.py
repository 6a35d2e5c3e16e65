"""Counts the steps that a search with a pattern takes, by taking each of them.

It walks through what Python's own parser makes of the pattern, as Python's engine does, and is held to the
engine's answers. It knows what our patterns are made of, and refuses everything else.
"""

import re
from collections.abc import Iterable
from functools import cache
from re import _constants as op  # type: ignore[attr-defined]  # the parser's, which has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

Items = Any
_FOLDING = re.IGNORECASE


@cache
def parsed(pattern: re.Pattern[str]) -> Items:
    return list(parser.parse(pattern.pattern, pattern.flags))


@cache
def _class_of(items: tuple[Any, ...], flags: int) -> re.Pattern[str]:
    """Return what matches one character of a class; the engine's own judgement, which takes one step."""
    inner = "".join(_shown(kind, value) for kind, value in items if kind is not op.NEGATE)
    negated = "^" if any(kind is op.NEGATE for kind, _ in items) else ""
    return re.compile(f"[{negated}{inner}]", flags)


def _shown(kind: Any, value: Any) -> str:
    if kind is op.LITERAL:
        return re.escape(chr(value))
    if kind is op.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    assert kind is op.CATEGORY, kind
    return {op.CATEGORY_WORD: r"\w", op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s"}[value]


class Walk:
    """A search in *text*; ``steps`` grows with every character that is looked at."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self.text = text
        self.steps = 0
        self._known: dict[tuple[int, Any, int], dict[str, bool]] = {}
        self._items = parsed(pattern)
        self._flags = pattern.flags & _FOLDING

    def spans(self) -> list[tuple[int, int]]:
        """Return where matches begin and end, as finditer() finds them."""
        found, at = [], 0
        while at <= len(self.text):
            end = self._sequence(self._items, at, self._flags)
            if end is not None:
                found.append((at, end))
            at = at + 1 if end is None or end == at else end
        return found

    def first(self) -> int | None:
        """Return where a match ends that begins with the text."""
        return self._sequence(self._items, 0, self._flags)

    def _sequence(self, items: Items, at: int | None, flags: int) -> int | None:
        for number, (kind, value) in enumerate(items):
            if at is None:
                return None
            if kind in {op.BRANCH, op.MAX_REPEAT} or (kind is op.SUBPATTERN and _has_choice(value[-1])):
                return self._choices(kind, value, items[number + 1 :], at, flags)
            at = self._one(kind, value, at, flags)
        return at

    def _choices(self, kind: Any, value: Any, rest: Items, at: int, flags: int) -> int | None:
        """Try one way after another, each with all that follows."""
        for way in _ways(kind, value):
            end = self._sequence([*way, *rest], at, flags)
            if end is not None:
                return end
        return None

    def _one(self, kind: Any, value: Any, at: int, flags: int) -> int | None:
        self.steps += 1
        if kind is op.SUBPATTERN:
            return self._sequence(value[-1], at, flags | value[1])
        if kind is op.POSSESSIVE_REPEAT:
            least, most, inner = value
            return self._repeated((least, most), inner, at, flags)
        if kind in {op.ASSERT, op.ASSERT_NOT}:
            direction, inner = value
            begin = at - inner.getwidth()[0] if direction < 0 else at
            there = begin >= 0 and self._sequence(inner, begin, flags) is not None
            return at if there is (kind is op.ASSERT) else None
        if at >= len(self.text):
            return None
        # By identity: the parser's lists stay for as long as the pattern does.
        known = self._known.setdefault((id(value), kind, flags), {})
        character = self.text[at]
        fits = known.get(character)
        if fits is None:
            fits = known[character] = _is(kind, value, character, flags)
        return at + 1 if fits else None

    def _repeated(self, times: tuple[int, Any], inner: Items, at: int, flags: int) -> int | None:
        least, most = times
        done = 0
        while most is op.MAXREPEAT or done < most:
            end = self._sequence(inner, at, flags)
            if end is None or end == at:
                break
            at, done = end, done + 1
        return at if done >= least else None


def _has_choice(items: Items) -> bool:
    return any(kind in {op.BRANCH, op.MAX_REPEAT} for kind, _ in items)


def _ways(kind: Any, value: Any) -> Iterable[Items]:
    if kind is op.BRANCH:
        return [list(way) for way in value[1]]
    if kind is op.SUBPATTERN:
        assert not value[1], "flags of a group with choices are not followed"
        return [list(value[-1])]
    least, most, inner = value
    assert most is not op.MAXREPEAT, "an unbounded repetition that goes back"
    return [list(inner) * times for times in range(int(most), least - 1, -1)]


def _is(kind: Any, value: Any, character: str, flags: int) -> bool:
    if kind is op.LITERAL:
        return bool(re.match(re.escape(chr(value)), character, flags))
    if kind is op.NOT_LITERAL:
        return character != chr(value)
    if kind is op.ANY:
        return True  # Our patterns that have it have DOTALL.
    assert kind is op.IN, kind
    return bool(_class_of(tuple(value), flags).match(character))
