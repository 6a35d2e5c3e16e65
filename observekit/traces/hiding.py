"""What leaves in a span goes through the one policy for secrets."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from observekit.redaction import (
    REDACTED,
    hides_card,
    hides_numbers,
    is_exempt,
    is_plain_word,
    names_secret,
    redact_text,
)

# The policy keeps what it was asked; what is longer is made of data.
_KEY_LENGTH: Final = 128
_DEPTH: Final = 16


def hidden(key: str, value: object) -> object:
    """Return the value of attribute *key* without secrets; as it is where it has none."""
    kind: Any = type(value)
    if kind is bool or value is None:
        return value
    name = key if len(key) <= _KEY_LENGTH else key[:_KEY_LENGTH]
    if kind is int or kind is float:
        number: Any = value
        hides = hides_numbers(name) or (kind is int and hides_card(number) and not is_exempt(name))
        return REDACTED if hides else value
    if names_secret(name):
        return REDACTED
    if kind is str and is_plain_word(value):  # type: ignore[arg-type]  # see kind
        return value
    return value if is_exempt(name) else _within(value, 0)


def _within(value: object, depth: int) -> object:
    if isinstance(value, str):
        return redact_text(str.__str__(value))
    if depth >= _DEPTH or isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        return {str(key): _entry(str(key), inner, depth) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return tuple(_within(inner, depth + 1) for inner in value)
    return hidden("", value) if isinstance(value, int) else value


def _entry(key: str, value: object, depth: int) -> object:
    name = key[:_KEY_LENGTH]
    if names_secret(name):
        return REDACTED
    return hidden(key, value) if isinstance(value, int | float) else _within(value, depth + 1)
