"""Headers of messages as brokers have them: mappings or pairs, of texts or bytes, in any spelling."""

from collections.abc import Iterable, Mapping, MutableMapping
from itertools import islice
from typing import Any, Final, TypeVar

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Setter, TextMapPropagator

from observekit.traces.propagation import HeaderGetter

Pairs = list[tuple[str, bytes]]
"""How Kafka's clients have headers."""

Headers = TypeVar("Headers", bound="MutableMapping[str, Any] | Pairs")

# More headers than a message has; nobody can make us walk through a million of them.
_HEADERS: Final = 256
# Source: a baggage header has 8192 bytes at most, and none that is read has more.
_LONGEST: Final = 8192
_GETTER: Final = HeaderGetter()


class CarrierSetter(Setter[Any]):
    """Writes into a mapping, or appends to a list of pairs."""

    def set(self, carrier: Any, key: str, value: str) -> None:
        """Write one header."""
        if isinstance(carrier, list):
            carrier.append((key, value.encode()))
        else:
            carrier[key] = value


SETTER: Final = CarrierSetter()


def extracted(words: TextMapPropagator, headers: object, context: Context) -> Context:
    """Return *context* with what *headers*, of whatever kind, say of their sender."""
    return words.extract(_collected(headers, words.fields), context, _GETTER)


def _collected(headers: object, names: set[str]) -> dict[str, list[str]]:
    """Return the wanted headers by name, each value of them; those that are too long count as absent."""
    items: Iterable[Any] = ()
    if isinstance(headers, Mapping):
        items = headers.items()
    elif isinstance(headers, list | tuple):
        items = headers
    found: dict[str, list[str]] = {}
    for item in islice(items, _HEADERS):
        if not isinstance(item, tuple) or len(item) != 2:  # noqa: PLR2004 -- a pair
            continue
        name = _text(item[0]).lower()
        if name in names:
            values = item[1] if isinstance(item[1], list) else [item[1]]
            found.setdefault(name, []).extend(_text(value) for value in values[:2])
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("latin-1") if len(value) <= _LONGEST else ""
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""
