"""The one policy for secrets: which keys hold them, and which shapes betray them."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

REDACTED: Final = "[redacted]"

_WORDS: Final = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "token",
    }
)
_PAIRS: Final = frozenset({("access", "key"), ("api", "key"), ("private", "key"), ("session", "id")})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# Both need a literal in front of what they repeat, and neither can backtrack over more than one class.
_USERINFO: Final = re.compile(r"://[^/?#\s@]{1,512}@")
_BEARER: Final = re.compile(r"\b(Bearer|Basic) [A-Za-z0-9._~+/=-]{8,}")
_DEPTH: Final = 4


@lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether *key* names a secret, in snake, kebab, dotted or camel case."""
    words = [word.lower() for word in _WORD.findall(key[:200])]
    return not _WORDS.isdisjoint(words) or not _PAIRS.isdisjoint(pairwise(words))


def redact_text(text: str) -> str:
    """Return *text* without the credentials of URLs and authorization schemes."""
    if "://" in text and "@" in text:
        text = _USERINFO.sub(f"://{REDACTED}@", text)
    if "Bearer " in text or "Basic " in text:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return text


def redact(key: str, value: object, depth: int = 0) -> object:
    """Return what may be shown as the value of *key*; containers are copied, never changed.

    Numbers and truth values stay: ``prompt_tokens=12`` is no secret.
    """
    if isinstance(value, str):
        return REDACTED if names_secret(key) else redact_text(value)
    if isinstance(value, bytes | bytearray) and names_secret(key):
        return REDACTED
    if isinstance(value, dict) and depth < _DEPTH:
        return {name: redact(str(name), inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple) and depth < _DEPTH:
        return [redact(key, inner, depth + 1) for inner in value]
    return value
