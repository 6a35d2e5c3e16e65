"""Secrets by the key of a value."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final

# A word of a key names a secret if it is one of these, or ends with an ending: csrftoken, dbpassword.
_WORDS: Final = frozenset(
    {"apikeys", "auth", "cookies", "credentials", "cvc", "cvv", "jwt", "otp", "passwords", "pwd", "secrets"}
    | {"tokens", "totp"}
)
# Those that mean something else before another word: pass_rate, pin_map.
_LAST_WORDS: Final = frozenset({"pass", "pin"})
_ENDINGS: Final = (
    "accesskey",
    "accountkey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "sessid",
    "sessionid",
    "token",
)
_PAIRS: Final = frozenset(
    {("access", "key"), ("account", "key"), ("api", "key"), ("api", "keys"), ("encryption", "key")}
    | {("private", "key"), ("session", "id"), ("session", "key"), ("signing", "key")}
    | {("card", "number"), ("pin", "code"), ("shared", "key")}
)
# What is told about a secret and is none: token_count, auth_method, password_length.
_HARMLESS: Final = frozenset(
    {"bytes", "count", "enabled", "length", "limit", "method", "provider", "seconds", "size", "total", "type"}
    | {"age", "at", "changed", "expired", "expires", "expiry", "field", "name", "required", "ttl", "url"}
    | {"valid", "version"}
)
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SEPARATOR: Final = re.compile(r"[^0-9a-z]")


class _Keys:
    """What the configuration says of keys; the one policy of the process, set before anything is recorded."""

    exempt: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()


def set_keys(*, exempt: Iterable[str] = (), secret: Iterable[str] = ()) -> None:
    """Show what stands under *exempt* keys as it is, and under *secret* ones nothing.

    Keys are compared without their case and their separators: ``sessionId`` is ``session_id``.
    """
    _Keys.exempt = frozenset(map(_plain, exempt))
    _Keys.secret = frozenset(map(_plain, secret))
    is_exempt.cache_clear()
    names_secret.cache_clear()
    is_usual.cache_clear()
    hides_numbers.cache_clear()


@lru_cache(maxsize=4096)
def is_exempt(key: str) -> bool:
    """Whether what stands under *key* is shown as it is."""
    return _plain(key) in _Keys.exempt


@lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether *key*, which is kept in a cache and so must not be long, names a secret.

    It may be in snake, kebab, dotted or camel case.
    """
    plain = _plain(key)
    if plain in _Keys.exempt or plain in _Keys.secret:
        return plain in _Keys.secret
    words = [word.lower().rstrip("0123456789") for word in _WORD.findall(key)]
    if not words or words[-1] in _HARMLESS:
        return False
    named = any(word in _WORDS or word.endswith(_ENDINGS) for word in words)
    return named or words[-1] in _LAST_WORDS or not _PAIRS.isdisjoint(pairwise(words))


@lru_cache(maxsize=4096)
def is_usual(key: str) -> bool:
    """Whether *key*, which must not be long, is an ordinary name, and of nothing that is secret."""
    return key.isidentifier() and not names_secret(key)


@lru_cache(maxsize=4096)
def hides_numbers(key: str) -> bool:
    """Whether a number under *key* is a secret, as a PIN is; an amount of tokens is none."""
    plain = _plain(key)
    return names_secret(key) and (not plain.endswith("s") or plain.endswith("pass"))


def _plain(key: str) -> str:
    return _SEPARATOR.sub("", key.lower())
