"""Secrets in a text: after a name that says so, in URLs, after schemes of authorization, and by shape."""

import binascii
import re
from base64 import b64decode
from string import ascii_letters, digits
from typing import Final
from urllib.parse import unquote

from observekit.redaction.keys import hides_numbers, names_secret
from observekit.redaction.shapes import REDACTED, without_shapes

# The part of a name in a text that is looked at, its end.
_NAME_LENGTH: Final = 128
_SHORTEST: Final = len("pwd=x")

# As in shapes.py, repetitions are possessive and begin where no other match is under way.
# A name, what closes its quotes (in JSON within JSON with backslashes), and what says that a value follows.
_NAME: Final = re.compile(r"""(?<![\w.%-])([\w.%-]++)(\\{0,3}+["'])?+ ?(=(?!=)|:(?!/))[ \t]*+""")
# After a name of a header: all of its line. In repr() of a list of headers the name has a comma after it.
_PAIR: Final = re.compile(
    r"""(?i)(["'](?:proxy-)?authorization|["'](?:set-)?cookie|["']x-[a-z-]{0,32}+(?:key|token))["'], ?"""
)
_LINES: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_QUOTE: Final = re.compile(r"""[bBfFrRuU]?(\\{0,3}+)(["'])""")
_IN_QUOTES: Final = {
    '"': re.compile(r'(?s)(?:[^"\\]++|\\.)*+"'),
    "'": re.compile(r"(?s)(?:[^'\\]++|\\.)*+'"),
}
_WORD: Final = re.compile(r"""["']?[^\s&;,"')\]}>]++""")
_END_OF_LINE: Final = re.compile(r"[\r\n]|\\[rn]")
_END_OF_PART: Final = re.compile(r'[;"\n]')
_BRACKETS: Final = ("[", "(", "{")
# What amounts and absences look like; one longer is no amount.
_AMOUNT: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?|None|null|True|true|False|false")
_LONGEST_WORD: Final = 15
_SHORT: Final = 2

_USERINFO: Final = re.compile(r'://(?:[^/?#\s"<>@]*+@)++')
_HIDDEN_USERINFO: Final = f"://{REDACTED}@"
# What follows in one piece; a password may have what would end the name of a host.
_AFTER_SCHEME: Final = re.compile(r"://([^\s]++)")
_OF_SCHEMES: Final = f"{ascii_letters}{digits}+.-"
# What ends a URL that is no character of userinfo above, by what stands before it.
_CLOSED_BY: Final = {'"': '"', "<": ">", ">": "<"}
# Not what is hidden already, and no address of IPv6.
_ACCOUNT: Final = re.compile(r"""(?!\[)[^/?#:@"'<>]*+:""")
_PORT: Final = re.compile(r"""\d{1,5}+(?![^/?#"'<>])""")
_HOST: Final = re.compile(r'[^/?#"<>]*+')
# Source: RDS's passwords have at most 128 characters, and tokens that take their place are longer.
_LONGEST_PASSWORD: Final = 256
_LONGEST_SCHEME: Final = 64
_SCHEME: Final = re.compile(r"(?<!\w)(?i:(bearer|basic)) ([A-Za-z0-9._~+/=-]{8,}+)")
# What is a secret in the query of a URL, and mostly none elsewhere.
_QUERY_NAMES: Final = frozenset({"code", "key", "sig", "signature"})
_QUERY_ENDINGS: Final = ("-signature", "_signature")


def redact_text(text: str) -> str:
    """Return *text* without the secrets that show in it.

    These are credentials in URLs and after authorization schemes, values that stand right after a name of a
    secret (``password=x``, ``User(token='x')``, ``{"api_key": "x"}``, ``Cookie: a=b``), and what has the
    shape of a key, a JWT or a card number.
    """
    if len(text) < _SHORTEST:
        return text
    if "-----BEGIN" in text:
        text = without_shapes(text)
    if "=" in text or ":" in text:
        if "://" in text and "@" in text:
            text, found = _USERINFO.subn(_HIDDEN_USERINFO, text)
            if text.count("@") > found:  # One that is left may end a password.
                text = _AFTER_SCHEME.sub(_without_userinfo, text)
        text = _without_named(text)
    if " " in text and ("earer " in text or "asic " in text or "EARER " in text or "ASIC " in text):
        text = _SCHEME.sub(_without_credentials, text)
    if "', " in text or '", ' in text:
        text = _without_pairs(text)
    return without_shapes(text)


def _without_userinfo(found: re.Match[str]) -> str:
    """Return URLs in one piece of text without userinfo that a character of its password has split."""
    before = found.string[max(0, found.start() - _LONGEST_SCHEME) : found.start()]
    kept = ["://"]
    for rest in found[1].split("://"):
        opened = before.rstrip(_OF_SCHEMES)[-1:]
        url, close, after = rest.partition(_CLOSED_BY[opened]) if opened in _CLOSED_BY else (rest, "", "")
        kept += [_without_split_userinfo(url), close, after, "://"]
        before = rest
    return "".join(kept[:-1])


def _without_split_userinfo(rest: str) -> str:
    account = _ACCOUNT.match(rest)
    begin = 0 if account is None else account.end()
    # There is no password, or a port, as in "host:8080/@scope", of which one cannot be told.
    if not begin or (begin > 1 and _PORT.match(rest, begin)):
        return rest
    end = rest.find("@", begin, begin + _LONGEST_PASSWORD)
    if end < 0:
        return rest
    # With the first "@" the host begins, as for whoever connects: "u:p@host/repo.git@v1" is usual, so that of
    # a password with an "@" and then a "/" the rest is seen.
    host = _HOST.match(rest, end)
    return f"{REDACTED}{rest[end if host is None else end + host[0].rindex('@') :]}"


def _without_named(text: str) -> str:
    """Return *text* without the values of secrets that are named."""
    kept: list[str] = []
    done = 0
    for found in _NAME.finditer(text):
        if found.start() < done:
            continue
        name = _name(found)
        if not (names_secret(name) or _is_secret_of_query(text, found, name)):
            continue
        start, end = _value(text, found, name)
        if end > start:
            kept += [text[done:start], REDACTED]
            done = end
    return "".join([*kept, text[done:]]) if kept else text


def _name(found: re.Match[str]) -> str:
    name = found[1][-_NAME_LENGTH:]
    # Twice, as who hides a name from a filter would have it.
    return unquote(unquote(name)) if "%" in name else name


def _is_secret_of_query(text: str, found: re.Match[str], name: str) -> bool:
    in_query = found.start() > 0 and text[found.start() - 1] in "?&" and found[3] == "="
    lower = name.lower()
    return in_query and (lower in _QUERY_NAMES or lower.endswith(_QUERY_ENDINGS))


def _value(text: str, found: re.Match[str], name: str) -> tuple[int, int]:
    """Return where the value begins and ends that follows a name; nothing of it if it is no secret."""
    start = found.end()
    quote = _QUOTE.match(text, start)
    if quote is not None:
        start, end = _quoted(text, quote)
        # A parser's message has such a value: unexpected token: '}'.
        told = found[3] == ":" and not found[2] and end - start <= _SHORT
        return (start, start) if told else (start, end)
    if text.startswith(REDACTED, start):
        return start, start + len(REDACTED)
    if text[start : start + 1] in _BRACKETS:
        return start, _closed(text, start)
    return _bare(text, found, name)


def _bare(text: str, found: re.Match[str], name: str) -> tuple[int, int]:
    start = found.end()
    bare = _WORD.match(text, start)
    if bare is None:
        return start, start
    value, colon = bare[0], found[3] == ":"
    if _AMOUNT.fullmatch(value) and not hides_numbers(name):
        return start, start
    # "password: must be longer" is prose; so is "Authorization: required".
    if colon and not found[2] and _is_word(value) and value.lower() not in {"basic", "bearer", "digest"}:
        return start, start
    if colon and name.lower() in _LINES:
        line = _END_OF_LINE.search(text, start)
        return start, len(text) if line is None else line.start()
    return start, bare.end() if colon or not _is_connection(text, found) else _up_to_semicolon(text, start)


def _quoted(text: str, quote: re.Match[str]) -> tuple[int, int]:
    """Return what stands between quotes; with nothing that closes them, all that is left."""
    start, slashes = quote.end(), quote[1]
    if slashes:
        end = text.find(slashes + quote[2], start)
    else:
        closed = _IN_QUOTES[quote[2]].match(text, start)
        end = -1 if closed is None else closed.end() - 1
    return start, len(text) if end < 0 else end


def _closed(text: str, start: int) -> int:
    """Return the end of what is in brackets from *start* on; of what is not closed, the end of the text."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in _BRACKETS:
            depth += 1
        elif text[at] in "])}":
            depth -= 1
            if depth == 0:
                return at + 1
    return len(text)


def _is_word(value: str) -> bool:
    """Whether *value* is a word of prose and no key: of letters alone, and not long."""
    word = value.rstrip(".!?:")
    return len(word) <= _LONGEST_WORD and word.isalpha() and (word.islower() or word.istitle())


def _is_connection(text: str, found: re.Match[str]) -> bool:
    """Whether a name stands in a list with semicolons, as in the connection strings of databases."""
    before = text[max(0, found.start() - 2) : found.start()].rstrip(" ")
    return before.endswith(";")


def _up_to_semicolon(text: str, start: int) -> int:
    # One search for all of them: to look for each, to the end of the text, took longer with each name.
    end = _END_OF_PART.search(text, start)
    return len(text) if end is None else end.start()


def _without_pairs(text: str) -> str:
    kept: list[str] = []
    done = 0
    for found in _PAIR.finditer(text):
        quote = _QUOTE.match(text, found.end()) if found.start() >= done else None
        if quote is not None:
            start, end = _quoted(text, quote)
            kept += [text[done:start], REDACTED]
            done = end
    return "".join([*kept, text[done:]]) if kept else text


def _without_credentials(found: re.Match[str]) -> str:
    basic = found[1].lower() == "basic"
    if (basic and not _holds_credentials(found[2])) or (not basic and _is_word(found[2])):
        return found[0]
    return f"{found[1]} {REDACTED}"


def _holds_credentials(text: str) -> bool:
    """Whether *text* is base64 of ``user:password``; ``Basic understanding`` is not."""
    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return False
