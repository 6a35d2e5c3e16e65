"""Kinds of values: how each is read from text, and the rule it obeys."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from ipaddress import ip_network
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    ``parse`` turns the text of an environment variable into a value, or raises ``ValueError``;
    ``accepts`` judges a value however it was given; ``rule`` completes the sentence "NAME is VALUE, but …".
    """

    parse: Callable[[str], object]
    accepts: Callable[[object], bool]
    rule: str


_TRUE = frozenset({"1", "true", "on", "yes"})
_FALSE = frozenset({"0", "false", "off", "no"})


def parse_flag(text: str) -> bool:
    """Read a yes or no."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(text)


def parse_pairs(text: str) -> dict[str, str]:
    """Read ``key=value,key=value`` with percent-encoding, as OTEL_RESOURCE_ATTRIBUTES has it."""
    pairs: dict[str, str] = {}
    for item in text.split(","):
        if not item.strip():
            continue
        key, separator, value = item.partition("=")
        if not separator or not key.strip():
            raise ValueError("an entry has no '='")
        pairs[unquote(key.strip())] = unquote(value.strip())
    return pairs


def _parse_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _parse_path(text: str) -> str | None:
    return None if text.strip().lower() in {"", "off", "none"} else text.strip()


def number(low: float, high: float = math.inf, *, above: bool = False, example: str = "") -> Kind:
    """A number from *low* (or above it) to *high*."""

    def accepts(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        return (low < value if above else low <= value) and value <= high

    bounds = f"above {low:g}" if above else f"of at least {low:g}"
    if high != math.inf:
        bounds = f"{'above' if above else 'from'} {low:g} {'and at most' if above else 'to'} {high:g}"
    return Kind(float, accepts, f"must be a number {bounds}{example}")


def count(low: int, high: int = 2**31) -> Kind:
    """A whole number from *low* to *high*."""

    def accepts(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Kind(int, accepts, f"must be a whole number from {low} to {high}")


def choice(*words: str) -> Kind:
    """One word of a closed list, in any case when it comes from the environment."""
    return Kind(
        lambda text: text.strip().lower(),
        lambda value: value in words,
        f"must be one of {', '.join(words)}",
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_optional_text(value: object) -> bool:
    return value is None or _is_text(value)


def _is_path(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and value.startswith("/") and not set(value) & set(" ?#{}")


def _is_http_url(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_pairs(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and key and isinstance(text, str) for key, text in value.items()
    )


def _known_propagators() -> frozenset[str]:
    names = {entry.name for entry in entry_points(group="opentelemetry_propagator")}
    return frozenset(names | {"tracecontext", "baggage", "none"})


def _are_propagators(value: object) -> bool:
    if not isinstance(value, tuple) or not value:
        return False
    return set(value) <= {"tracecontext", "baggage", "none"} or set(value) <= _known_propagators()


def _is_trust(value: object) -> bool:
    if not isinstance(value, tuple) or not value:
        return False
    if len(value) == 1 and value[0] in {"private", "always", "never"}:
        return True
    return all(_is_network(word) for word in value)


def _is_network(word: object) -> bool:
    try:
        ip_network(str(word))
    except ValueError:
        return False
    return isinstance(word, str)


FLAG = Kind(parse_flag, lambda value: isinstance(value, bool), "must be true or false")
TEXT = Kind(str.strip, _is_text, "must be a text that is not empty")
OPTIONAL_TEXT = Kind(str.strip, _is_optional_text, "must be a text that is not empty, or None")
PATH = Kind(
    _parse_path,
    _is_path,
    "must begin with '/' and hold no space, '?', '#' or braces, like '/metrics' ('off' in the environment, "
    "None in code, turns the endpoint off)",
)
HTTP_URL = Kind(str.strip, _is_http_url, "must be an http or https URL, like 'http://localhost:4318'")
PAIRS = Kind(parse_pairs, _is_pairs, "must be pairs of texts, like 'key=value,other=value'")
PROPAGATORS = Kind(
    _parse_words,
    _are_propagators,
    "must name installed propagators: tracecontext and baggage come with OpenTelemetry, b3 and others in "
    "packages like opentelemetry-propagator-b3",
)
TRUST = Kind(
    _parse_words,
    _is_trust,
    "must be private, always, never, or networks like '10.0.0.0/8,fd00::/8'",
)
