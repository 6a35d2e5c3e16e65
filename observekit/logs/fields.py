"""Fields under names of their own: redacted, and none in the place of another."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from observekit.logs.encoder import LEFT_OUT
from observekit.logs.names import PLAIN_KEYS, remember
from observekit.logs.record import Record
from observekit.logs.values import COST, Cleaner
from observekit.redaction import is_plain_word, is_usual

# Keys that the record has of its own; a field of that name is kept under another.
_RESERVED: Final = frozenset(
    {"timestamp", "level", "event", "logger", "service", "trace_id", "span_id", "trace_flags", "exception"}
    | {LEFT_OUT}
)
_KEY_LENGTH: Final = 128
_WORD_LENGTH: Final = 256
# Below every number of a card.
_SMALL: Final = 10**12


def add_fields(record: Record, fields: Mapping[str, Any], cleaner: Cleaner) -> None:
    """Add *fields*, which nobody else changes, to *record*, redacted, under names that are free."""
    for done, (key, value) in enumerate(fields.items()):
        # The short way: most keys are ordinary names, and most values words and numbers.
        kind = type(value)
        if kind is str:
            size = len(value)
            usual = size <= _WORD_LENGTH and value.isascii() and is_plain_word(value)
        else:
            size = 0
            # What is no number is not above any, and what has no end is above all.
            usual = value is None or kind is bool or ((kind is int or kind is float) and 0 <= value < _SMALL)
        if (
            usual
            # First: a key of the user's own class may be equal to one that is known, and is none.
            and type(key) is str
            and (key in PLAIN_KEYS or _is_own(key))
            and key not in record
            and cleaner.left >= _WORD_LENGTH
        ):
            cleaner.left -= COST + size
            record[key] = value
            continue
        if cleaner.left <= 0:
            record[LEFT_OUT] = len(fields) - done
            return
        if type(key) is str and len(key) <= _KEY_LENGTH and _is_free(key) and key not in record:
            record[key] = cleaner.field(key, value)
            continue
        if type(key) is type(value) is str and record.get(key) == value:
            continue  # The same under the same name, as from a processor that adds trace ids.
        name = cleaner.key(key)
        while name in record or name in _RESERVED:
            name = f"{name}_"
        record[name] = cleaner.field(name, value)


def _is_own(key: str) -> bool:
    if len(key) > _KEY_LENGTH or key in _RESERVED or not is_usual(key):
        return False
    remember(key, PLAIN_KEYS)
    return True


@lru_cache(maxsize=4096)
def _is_free(key: str) -> bool:
    """Whether *key*, which is short, can be shown as it is and is none of the record's own."""
    return key.isidentifier() and key not in _RESERVED
