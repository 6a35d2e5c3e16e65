"""Kinds of values that say something of log events and of keys."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from observekit.config.kinds import LEVELS, Kind, parse_pairs


def _parse_numbers(text: str) -> dict[str, float]:
    return {name: float(number) for name, number in parse_pairs(text).items()}


def _parse_keys(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _numbers(most: float) -> Callable[[object], bool]:
    def accepts(value: object) -> bool:
        return isinstance(value, Mapping) and all(
            isinstance(name, str) and name and _is_number(number) and 0 <= number <= most
            for name, number in value.items()
        )

    return accepts


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


# What a key is longer than is cut before it is judged.
_LONGEST_KEY: Final = 128
# More than any process writes; a rate above it limits nothing.
_HIGHEST_RATE: Final = 1_000_000


def _are_keys(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(key, str) and len(key) <= _LONGEST_KEY and any(map(str.isalnum, key)) for key in value
    )


FLIGHT_LEVEL: Final = Kind(
    lambda text: None if text.strip().lower() in {"off", "none"} else text.strip().lower(),
    lambda value: value is None or (isinstance(value, str) and value in LEVELS),
    f"must be one of {', '.join(LEVELS)} ('off' in the environment, None in code, for none)",
)
KEYS: Final = Kind(
    _parse_keys,
    _are_keys,
    "must be keys like 'iban,tax_id', each with a letter or a digit and at most 128 characters (in code a "
    "tuple of texts)",
)
RATES: Final = Kind(
    _parse_numbers,
    _numbers(_HIGHEST_RATE),
    f"must be events with records a second, like 'order.polled=10,*=1000', from 0 to {_HIGHEST_RATE} (in "
    "code a mapping)",
)
SHARES: Final = Kind(
    _parse_numbers,
    _numbers(1),
    "must be events with the share of records that is written, like 'cache.hit=0.01', from 0 to 1 (in code a "
    "mapping)",
)
