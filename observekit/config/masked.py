"""How values are printed: secrets never, everything else whole, or cut where it stands inside a sentence."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

REDACTED: Final = "[redacted]"
_SENTENCE_CHARACTERS: Final = 200
# What is left of a URL once nothing in it can be a secret: the usual mistakes (no scheme, a wrong one, an
# odd port) still show.
_HARMLESS: Final = re.compile(r"([a-z]{1,8}://[A-Za-z0-9.-]+(:[0-9]{0,6})?|localhost(:[0-9]{0,6})?)/?")
_SIGNAL_PATHS: Final = ("/v1/traces", "/v1/logs")


def plain(value: object) -> object:
    """Return *value* as it is, mappings as plain dicts."""
    return dict(value) if isinstance(value, Mapping) else value


def hidden(value: object) -> object:
    """Return only whether there is a value: a token like ``c2VjcmV0cw==`` would read as a key."""
    if value is None or value == {}:
        return plain(value)
    return REDACTED


def http_url(value: str) -> SplitResult | None:
    """Return the parts of *value*, or ``None`` if it is no http or https URL."""
    # urlsplit drops line breaks and tabs, so they are looked for before.
    if not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if good else None


def bare_url(value: object) -> object:
    """Return a URL without userinfo, query, fragment and the path beyond its first segment."""
    if value is None:
        return None
    if not isinstance(value, str):
        return REDACTED
    if _HARMLESS.fullmatch(value):
        return value
    parts = http_url(value)
    # An '@' in the path is userinfo with an unquoted slash in it: http://user:1/2@host.
    return REDACTED if parts is None or "@" in parts.path else _bare(parts)


def _bare(parts: SplitResult) -> str:
    signal = next((one for one in _SIGNAL_PATHS if parts.path.endswith(one)), "")
    path = parts.path.removesuffix(signal)
    first, slash, beyond = path.lstrip("/").partition("/")
    shown = f"/{first}" if first else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{shown}{slash}{beyond and REDACTED}{signal}"


def text(value: object) -> str:
    """Return *value* as Python would write it, and its type where it cannot be written."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 -- an integer of 5,000 digits has no repr, other classes may fail as they like
        return f"<{type(value).__name__}>"


def cut(value: object) -> str:
    """Return *value* at a length that fits into a sentence."""
    whole = text(value)
    return whole if len(whole) <= _SENTENCE_CHARACTERS else f"{whole[:_SENTENCE_CHARACTERS]}..."
