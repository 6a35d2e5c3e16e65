"""The configuration: the settings of every signal as one value that is valid or not made."""

from dataclasses import dataclass, fields
from typing import Final

from observekit.config.masked import text
from observekit.config.pairs import Pairs
from observekit.config.rules import broken
from observekit.config.setting import Setting
from observekit.config.settings.health import HealthSettings
from observekit.config.settings.logs import LogsSettings
from observekit.config.settings.metrics import MetricsSettings
from observekit.config.settings.redaction import RedactionSettings
from observekit.config.settings.service import ServiceSettings
from observekit.config.settings.traces import TracesSettings
from observekit.errors import ConfigError

_MAPPINGS: Final = (
    "resource_attributes",
    "traces_headers",
    "logs_headers",
    "log_levels",
    "log_limits",
    "log_sampling",
)


# Inherited, so that each setting stands in one place with its type, and users have one flat object all the
# same. A dataclass takes the fields of its last base first.
@dataclass(frozen=True, slots=True, kw_only=True)
class Config(
    HealthSettings, TracesSettings, LogsSettings, RedactionSettings, MetricsSettings, ServiceSettings
):
    """All settings of observekit, valid or not made.

    ``Config(...)`` takes what it is given and defaults for the rest; it does not look at the environment.
    ``setup(...)`` and ``load(...)`` do: arguments first, then environment variables, then defaults.
    It can be hashed, copied and pickled; what is pickled has its secrets in it.

    Raises:
        ConfigError: If any value breaks its rule; the message names all of them.
    """

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in SETTINGS}
        if problems := [message for _, message in broken(SETTINGS, values)]:
            raise ConfigError("\n".join(problems))
        for name in (
            "resource_attributes",
            "traces_headers",
            "logs_headers",
            "log_levels",
            "log_limits",
            "log_sampling",
        ):
            object.__setattr__(self, name, Pairs(getattr(self, name)))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={shown(name, getattr(self, name))}" for name in SETTINGS)
        return f"{type(self).__name__}({told})"


SETTINGS: Final[dict[str, Setting]] = {one.name: one.metadata["setting"] for one in fields(Config)}
"""What is known about each setting, by name."""


def shown(name: str, value: object) -> str:
    """Return *value* as Python would write it, without secrets, and of a URL only where it leads."""
    return text(SETTINGS[name].kind.masked(value))
