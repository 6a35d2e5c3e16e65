"""The one policy for secrets: which keys hold them, and which shapes betray them."""

import binascii
import re
from base64 import b64decode
from functools import lru_cache
from itertools import pairwise
from typing import Final

REDACTED: Final = "[redacted]"

# A word of a key names a secret if it is one of these, or ends with an ending: csrftoken, dbpassword.
_WORDS: Final = frozenset({"auth", "cookies", "credentials", "jwt", "pwd", "secrets", "tokens", "passwords"})
_ENDINGS: Final = (
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessid",
    "sessionid",
    "token",
)
_PAIRS: Final = frozenset(
    {("access", "key"), ("api", "key"), ("api", "keys"), ("encryption", "key"), ("private", "key")}
    | {("session", "id"), ("session", "key"), ("signing", "key")}
)
# What is told about a secret and is none: token_count, auth_method, password_length.
_HARMLESS: Final = frozenset(
    {"bytes", "count", "enabled", "length", "limit", "method", "provider", "seconds", "size", "total", "type"}
)
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# The part of a name in a text that is looked at, its end.
_NAME_LENGTH: Final = 128

# None of these can be made slow: each begins where no other match of it is under way (a name has no name
# before it, a second "://" has a slash, a second value in quotes a quote), repeats one class that ends
# there, and needs one character after it. So a text is walked through once for each, and back at most once.
_USERINFO: Final = re.compile(r'://[^/?#\s"<>]+@')
_SCHEME: Final = re.compile(r"\b(?i:(bearer|basic)) ([A-Za-z0-9._~+/=-]{8,})")
_VALUE: Final = r"""b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'"""
_ASSIGNED: Final = re.compile(rf"""(?s)(?<![\w.-])([\w.-]+)=({_VALUE}|["']?[^\s&;,"')\]}}]+)""")
_QUOTED: Final = re.compile(rf"""(?s)(b?(["'])([\w.-]+)\2: ?)({_VALUE})""")
_SHORTEST: Final = len("pwd=x")


@lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether *key*, which is kept in a cache and so must not be long, names a secret.

    It may be in snake, kebab, dotted or camel case.
    """
    words = [word.lower().rstrip("0123456789") for word in _WORD.findall(key)]
    if not words or words[-1] in _HARMLESS:
        return False
    named = any(word in _WORDS or word.endswith(_ENDINGS) for word in words)
    return named or not _PAIRS.isdisjoint(pairwise(words))


@lru_cache(maxsize=4096)
def hides_numbers(key: str) -> bool:
    """Whether a number under *key* is a secret, as a PIN is; an amount of tokens is none."""
    return names_secret(key) and not key.rstrip("_").lower().endswith("s")


def is_one_word(text: str) -> bool:
    """Whether *text* has nothing of which each shape of a secret has something: redact_text() leaves it.

    Most values are an id or a name, and need no more than this look.
    """
    return not (" " in text or "=" in text or ":" in text)


def redact_text(text: str) -> str:
    """Return *text* without the secrets that show by their shape.

    These are credentials in URLs and after authorization schemes, and values that stand right after a
    name of a secret: ``password=x``, ``User(token='x')``, ``{"api_key": "x"}``.
    """
    if len(text) < _SHORTEST:
        return text
    if ":" in text:
        if "://" in text and "@" in text:
            text = _USERINFO.sub(f"://{REDACTED}@", text)
        if "': " in text or '":' in text:
            text = _QUOTED.sub(_without_quoted, text)
    if "=" in text:
        text = _ASSIGNED.sub(_without_assigned, text)
    if " " in text and ("earer " in text or "asic " in text or "EARER " in text or "ASIC " in text):
        text = _SCHEME.sub(_without_credentials, text)
    return text


def _without_assigned(found: re.Match[str]) -> str:
    return f"{found[1]}={REDACTED}" if names_secret(found[1][-_NAME_LENGTH:]) else found[0]


def _without_quoted(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{REDACTED}{found[2]}" if names_secret(found[3][-_NAME_LENGTH:]) else found[0]


def _without_credentials(found: re.Match[str]) -> str:
    if found[1].lower() == "basic" and not _holds_credentials(found[2]):
        return found[0]
    return f"{found[1]} {REDACTED}"


def _holds_credentials(text: str) -> bool:
    """Whether *text* is base64 of ``user:password``; ``Basic understanding`` is not."""
    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return False
