"""Secrets that show by themselves, whatever stands before them: keys of clouds, JWTs, card numbers.

No pattern can be made slow: every repetition is possessive, which never goes back, and begins where no other
match of it can be under way. A test counts the steps.
"""

import re
from typing import Final

REDACTED: Final = "[redacted]"

# Nothing that is found here is shorter: the shortest card number has 14 digits.
SHORTEST: Final = 14

# What is looked for first, because a look for a text in another takes a tenth of one for a pattern: how the
# shapes below begin, by a character that those in a row have.
_LETTERS: Final = (
    ("", ("eyJ", "AKIA", "ASIA", "AROA", "AIDA", "AIza")),
    (".", ("ya29.", "SG.", "hvb.", "hvs.", "hvr.")),
    ("-", ("glpat-", "xox", "sk-", "pypi-")),
    ("_", ("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "whsec_", "npm_", "hf_")),
    ("_", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "dop_v1_", "doo_v1_", "dor_v1_")),
)
# Begins with one class, because the engine then goes from one such character to the next by itself.
_DIGITS: Final = re.compile(r"[2-6][0-9][0-9][0-9](?:[0-9]{10}|[ -][0-9]{4})")
# Source: the formats that their issuers document for scanners of repositories.
_KEY: Final = re.compile(
    r"(?<![\w-])(?:"
    r"eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){0,3}+"  # RFC 7515: base64url of '{"', in three or five parts
    r"|A(?:KI|SI|RO|ID)A[A-Z0-9]{16}+"  # Amazon
    r"|AIza[\w-]{35}+|ya29\.[\w-]{20,}+"  # Google
    r"|gh[opsur]_[A-Za-z0-9]{30,}+|github_pat_\w{30,}+|glpat-[\w-]{20,}+"  # GitHub, GitLab
    r"|xox[a-z]-[\w-]{10,}+"  # Slack
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}+|whsec_[\w+/=]{16,}+"  # Stripe
    r"|sk-[\w-]{20,}+"  # OpenAI, Anthropic
    r"|npm_[A-Za-z0-9]{36}+|pypi-[\w-]{50,}+"
    r"|SG\.[\w-]{16,}+\.[\w-]{16,}+|hf_[A-Za-z0-9]{30,}+"  # SendGrid, Hugging Face
    r"|do[opr]_v1_[a-f0-9]{64}+|hv[bsr]\.[\w-]{20,}+"  # DigitalOcean, Vault
    r")"
)
# Digits in one piece, or in groups as they stand on the card.
_CARD: Final = re.compile(
    r"(?a)(?<![\w.-])(?:\d{14,19}+|\d{4} \d{4} \d{4} \d{1,7}+|\d{4}-\d{4}-\d{4}-\d{1,7}+"
    r"|\d{4} \d{6} \d{4,5}+|\d{4}-\d{6}-\d{4,5}+)(?![\w-])"
)
# Source: issuers' ranges and lengths as of ISO/IEC 7812: Visa, Mastercard, American Express, Diners,
# Discover, JCB, UnionPay. Visa's of 13 digits are no more, and article numbers of Europe have as many.
_ISSUED: Final = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)
_SMALLEST_CARD: Final = 10**13
_LARGEST_CARD: Final = 10**19
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END", "-----"
# How far the words of a header go: "-----BEGIN ENCRYPTED PRIVATE KEY-----".
_HEADER: Final = 64


def is_plain(text: str) -> bool:
    """Whether nothing in *text* begins like one of the shapes, by one look."""
    if len(text) < SHORTEST:
        return True
    for character, beginnings in _LETTERS:
        if character in text:
            for beginning in beginnings:
                if beginning in text:
                    return False
    return _DIGITS.search(text) is None


def is_plain_word(text: str) -> bool:
    """Whether redact_text() leaves *text*, by one look: a word without any sign of a secret.

    Most values are an id or a name, and need no more than this.
    """
    if " " in text or "=" in text or ":" in text:
        return False
    return len(text) < SHORTEST or is_plain(text)


def hides_card(number: int) -> bool:
    """Whether *number* is that of a card."""
    return _SMALLEST_CARD <= number < _LARGEST_CARD and _is_card(str(number))


def without_shapes(text: str) -> str:
    """Return *text* without keys, tokens and card numbers."""
    if _BEGIN in text:
        text = _without_private_keys(text)
    if is_plain(text):
        return text
    return _CARD.sub(_without_card, _KEY.sub(_without_key, text))


def _without_key(found: re.Match[str]) -> str:
    # A word of a name in kebab case, sk-learn-and-so-on, has no digits; a key without any does not happen.
    return REDACTED if any(map(str.isdigit, found[0])) else found[0]


def _without_card(found: re.Match[str]) -> str:
    digits = found[0].replace(" ", "").replace("-", "")
    return REDACTED if _is_card(digits) else found[0]


def _is_card(digits: str) -> bool:
    if not (digits.isascii() and _ISSUED.fullmatch(digits)):
        return False
    # Source: ISO/IEC 7812-1, annex B, the formula of Luhn.
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[digit] for digit in values[1::2])) % 10 == 0


def _without_private_keys(text: str) -> str:
    kept: list[str] = []
    done = 0
    while (begin := text.find(_BEGIN, done)) >= 0:
        header = text.find(_DASHES, begin + len(_BEGIN), begin + _HEADER)
        if "PRIVATE KEY" not in text[begin : max(header, begin)]:
            kept.append(text[done : begin + len(_BEGIN)])
            done = begin + len(_BEGIN)
            continue
        kept += [text[done:begin], REDACTED]
        end = text.find(_END, header)
        closed = text.find(_DASHES, end + len(_END), end + _HEADER) if end >= 0 else -1
        # Of one that is cut off, all that is there is secret.
        done = closed + len(_DASHES) if closed >= 0 else len(text)
    return "".join([*kept, text[done:]])
