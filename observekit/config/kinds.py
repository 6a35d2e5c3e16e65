"""Kinds of values: how each is read from text, the rule it obeys, and how much of it may be printed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import unquote

from observekit.config.masked import bare_url, hidden, http_url, plain


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    ``parse`` turns the text of an environment variable into a value, or raises ``ValueError``;
    ``accepts`` judges a value however it was given; ``rule`` completes the sentence "NAME is VALUE, but …";
    ``masked`` returns what may be printed of a value, right or wrong.
    """

    parse: Callable[[str], object]
    accepts: Callable[[object], bool]
    rule: str
    masked: Callable[[object], object] = plain


_TRUE: Final = frozenset({"1", "true", "on", "yes"})
_FALSE: Final = frozenset({"0", "false", "off", "no"})


LEVELS: Final = ("debug", "info", "warning", "error", "critical")
# Source: OpenTelemetry log data model, names of severities: each has four grades.
_SEVERITY_WORDS: Final = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "error": "error",
    "fatal": "critical",
}


def parse_flag(text: str) -> bool:
    """Read a yes or no."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(text)


def parse_true(text: str) -> bool:
    """Read a yes or no as OpenTelemetry has it."""
    # Source: OpenTelemetry specification, boolean value: only "true", in any case, counts as true; other
    # values than "true" and "false" should be reported and count as not set.
    word = text.strip().lower()
    if word in {"true", "false"}:
        return word == "true"
    raise ValueError(text)


_SEVERITIES: Final = {
    **{f"{word}{number}": level for word, level in _SEVERITY_WORDS.items() for number in ("", 2, 3, 4)},
    **{level: level for level in LEVELS},
}


def parse_severity(text: str) -> str:
    """Read a severity as OpenTelemetry names it, like ``warn``; words of Python's logging do too."""
    try:
        return _SEVERITIES[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def parse_pairs(text: str) -> dict[str, str]:
    """Read ``key=value,key=value`` with percent-encoding, as OTEL_RESOURCE_ATTRIBUTES has it."""
    pairs: dict[str, str] = {}
    for item in text.split(","):
        if not item.strip():
            continue
        key, separator, value = item.partition("=")
        if not separator or not key.strip():
            raise ValueError("an entry has no '='")
        # Source: OpenTelemetry resource specification: what cannot be decoded discards the whole variable.
        pairs[unquote(key.strip(), errors="strict")] = unquote(value.strip(), errors="strict")
    return pairs


def _parse_levels(text: str) -> dict[str, str]:
    return {name: level.strip().lower() for name, level in parse_pairs(text).items()}


def _are_levels(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_text(name) and isinstance(level, str) and level in LEVELS for name, level in value.items()
    )


def _is_optional_level(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in LEVELS)


def parse_words(text: str) -> tuple[str, ...]:
    """Read words between commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


OFF: Final = frozenset({"off", "none"})


def _parse_path(text: str) -> str | None:
    return None if text.strip().lower() in OFF else text.strip()


def number(low: float, high: float, *, above: bool = False, example: str = "") -> Kind:
    """A number from *low* (or above it) to *high*."""

    def accepts(value: object) -> bool:
        # NaN fails every comparison; an integer too large for a float compares all the same.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (low < value if above else low <= value) and value <= high

    bounds = f"{'above' if above else 'from'} {low:g} {'and at most' if above else 'to'} {high:g}"
    return Kind(float, accepts, f"must be a number {bounds}{example}")


def count(low: int, high: int) -> Kind:
    """A whole number from *low* to *high*."""

    def accepts(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Kind(int, accepts, f"must be a whole number from {low} to {high}")


def choice(*words: str) -> Kind:
    """One word of a closed list, in any case when it comes from the environment."""
    return Kind(
        lambda text: text.strip().lower(),
        lambda value: isinstance(value, str) and value in words,
        f"must be {'one of ' if len(words) > 1 else ''}{', '.join(words)}",
    )


def _is_unicode(value: object) -> bool:
    """Whether *value* is a text that can be sent: bytes outside UTF-8 arrive as lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _is_unicode(value) and value.strip() != ""


def _is_optional_text(value: object) -> bool:
    return value is None or _is_text(value)


# Characters that no client escapes, so that the path in a request is the path as it is written here.
_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)+")


def _is_path(value: object) -> bool:
    return value is None or (isinstance(value, str) and _PATH.fullmatch(value) is not None)


def _is_http_url(value: object) -> bool:
    return value is None or (isinstance(value, str) and http_url(value) is not None)


def _is_pairs(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_unicode(key) and key and _is_unicode(text) for key, text in value.items()
    )


# Source: RFC 9110, 5.1 and 5.5: a field name is a token; a value has no control characters.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str)
        and _HEADER_NAME.fullmatch(key)
        and isinstance(text, str)
        and _HEADER_VALUE.fullmatch(text)
        for key, text in value.items()
    )


def are_words(value: object) -> bool:
    """Whether *value* is a tuple of texts that is not empty."""
    return isinstance(value, tuple) and value != () and all(isinstance(word, str) for word in value)


_COMMON_PROPAGATORS: Final = frozenset({"tracecontext", "baggage", "b3", "b3multi", "none"})


def _are_propagators(value: object) -> bool:
    if not isinstance(value, tuple) or not are_words(value):
        return False
    return set(value) <= _COMMON_PROPAGATORS or set(value) <= _COMMON_PROPAGATORS | {
        entry.name for entry in entry_points(group="opentelemetry_propagator")
    }


def _is_directory(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.startswith("/") and "\0" not in value)


def _is_secret(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip() != "")


_SECONDS: Final = number(0, 3600, above=True)
FLAG: Final = Kind(parse_flag, lambda value: isinstance(value, bool), "must be true or false")
TEXT: Final = Kind(str.strip, _is_text, "must be a text in UTF-8 that is not empty")
OPTIONAL_LEVEL: Final = Kind(
    parse_severity, _is_optional_level, f"must be one of {', '.join(LEVELS)}, or None"
)
OPTIONAL_SECONDS: Final = Kind(
    lambda text: None if text.strip().lower() in OFF else float(text),
    lambda value: value is None or _SECONDS.accepts(value),
    "must be a number above 0 and at most 3600, like 0.5, or None ('off' in the environment)",
)
OPTIONAL_TEXT: Final = Kind(
    str.strip, _is_optional_text, "must be a text in UTF-8 that is not empty, or None"
)
PATH: Final = Kind(
    _parse_path,
    _is_path,
    "must be a path like '/metrics', of letters, digits, '-', '.', '_' and '~' between slashes, with none at "
    "its end ('off' in the environment, None in code, turns the endpoint off)",
)
HTTP_URL: Final = Kind(
    str.strip, _is_http_url, "must be an http or https URL, like 'http://localhost:4318'", masked=bare_url
)
PAIRS: Final = Kind(
    parse_pairs,
    _is_pairs,
    "must be pairs of texts in UTF-8, like 'key=value,other=value' (in code a mapping)",
)
HEADERS: Final = Kind(
    parse_pairs,
    _are_headers,
    "must be HTTP headers, like 'api-key=value,other=value' (in code a mapping)",
    masked=hidden,
)
LOGGER_LEVELS: Final = Kind(
    _parse_levels,
    _are_levels,
    f"must be names of loggers with levels, like 'shop=debug,sqlalchemy.engine=warning' (in code a mapping); "
    f"the levels are {', '.join(LEVELS)}",
)
PROPAGATORS: Final = Kind(
    parse_words,
    _are_propagators,
    "must name installed propagators, like 'tracecontext,baggage' (in code a tuple of texts): those two, b3 "
    "and b3multi are built in, others come in packages like opentelemetry-propagator-jaeger",
)
WORDS: Final = Kind(
    parse_words,
    lambda value: value == () or are_words(value),
    "must be words, like 'one,two' (in code a tuple of texts)",
)
DIRECTORY: Final = Kind(str.strip, _is_directory, "must be an absolute path like '/run/orders', or None")
# Any text at all is a secret that can be compared: one that no client can send lets nobody in.
SECRET: Final = Kind(str.strip, _is_secret, "must be a text that is not empty, or None", masked=hidden)
