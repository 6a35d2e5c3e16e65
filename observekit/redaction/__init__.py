"""The one policy for secrets, for all signals: which keys hold them, and which shapes betray them.

``names_secret()`` judges the key of a value, ``redact_text()`` what stands in a text. Logs, spans, health
bodies and exceptions come through here, and nowhere else is decided what a secret is.
"""

from observekit.redaction.keys import hides_numbers, is_exempt, is_usual, names_secret, set_keys
from observekit.redaction.shapes import REDACTED, hides_card, is_plain, is_plain_word
from observekit.redaction.texts import redact_text

__all__ = [
    "REDACTED",
    "hides_card",
    "hides_numbers",
    "is_exempt",
    "is_plain",
    "is_plain_word",
    "is_usual",
    "names_secret",
    "redact_text",
    "set_keys",
]
