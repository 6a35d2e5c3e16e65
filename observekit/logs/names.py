"""Names in records, of events, loggers and fields: mostly constants, which are looked at for secrets once."""

from typing import Final

from observekit.logs.values import Cleaner

PLAIN_EVENTS: Final[set[str]] = set()
"""Events that are shown as they are."""

PLAIN_LOGGERS: Final[set[str]] = set()
"""Names of loggers that are."""

PLAIN_KEYS: Final[set[str]] = set()
"""Names of fields that are nobody else's, and of nothing that is secret."""

_KEPT: Final = 1024
_LONGEST: Final = 128


def shown_event(event: object, cleaner: Cleaner) -> object:
    """Return *event* as it may be shown, and remember one that is shown as it is."""
    shown = cleaner.field("event", event)
    if type(event) is str and shown == event:
        remember(event, PLAIN_EVENTS)
    return shown


def shown_logger(name: str) -> str:
    """Return the *name* of a logger as it may be shown; some are made of addresses, or worse."""
    shown = Cleaner().text(name)
    if shown == name:
        remember(name, PLAIN_LOGGERS)
    return shown


def forget_names() -> None:
    """Forget what was plain: something may be a secret now that was none before."""
    PLAIN_EVENTS.clear()
    PLAIN_LOGGERS.clear()
    PLAIN_KEYS.clear()


def remember(name: str, plain: set[str]) -> None:
    """Add *name* to those that are *plain*, as long as there is room."""
    # Should somebody make names of data, those past these are looked at each time.
    if len(plain) < _KEPT and len(name) <= _LONGEST:
        plain.add(name)
