"""What is set of secrets, for all signals."""

from dataclasses import dataclass

from observekit.config.log_kinds import KEYS
from observekit.config.setting import setting


@dataclass(frozen=True, kw_only=True)
class RedactionSettings:
    """Settings of redaction."""

    __slots__ = ()

    redaction_keys: tuple[str, ...] = setting(
        (),
        KEYS,
        "OBSERVEKIT_REDACTION_KEYS",
        help="Further keys whose values are secrets, in all signals; case and separators make no difference.",
    )
    redaction_allow: tuple[str, ...] = setting(
        (),
        KEYS,
        "OBSERVEKIT_REDACTION_ALLOW",
        help="Keys whose values are shown as they are, whatever the key or the value looks like.",
    )
