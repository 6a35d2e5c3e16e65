"""How one setting is described: its kind, its environment variables, its meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from observekit.config.kinds import Kind, parse_flag, parse_pairs


@dataclass(frozen=True, slots=True)
class Source:
    """An environment variable, and how it is read where that differs from the setting's kind.

    ``read`` returns ``None`` where the variable says nothing about the setting.
    """

    variable: str
    read: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known about one field of Config besides its default."""

    kind: Kind
    sources: tuple[Source, ...]
    help: str
    secret: bool = False


def setting(
    default: Any,
    kind: Kind,
    *sources: str | Source,
    help: str,  # noqa: A002 -- the same word as in the catalogue
    secret: bool = False,
) -> Any:
    """Define a field of Config by its default, its kind and the variables it is read from."""
    known = tuple(Source(one) if isinstance(one, str) else one for one in sources)
    metadata = {"setting": Setting(kind=kind, sources=known, help=help, secret=secret)}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


def resource(attribute: str) -> Source:
    """Read one attribute out of OTEL_RESOURCE_ATTRIBUTES."""
    return Source("OTEL_RESOURCE_ATTRIBUTES", lambda text: parse_pairs(text).get(attribute))


def negated(variable: str) -> Source:
    """Read a variable that turns off what the setting turns on."""
    return Source(variable, lambda text: not parse_flag(text))


def milliseconds(variable: str) -> Source:
    """Read a variable that is in milliseconds into a setting that is in seconds."""
    return Source(variable, lambda text: float(text) / 1000)


def traces_below(variable: str) -> Source:
    """Read the endpoint that all signals share."""
    # Source: OTLP exporter specification: signals are appended to the common endpoint, not to their own.
    return Source(variable, lambda text: text.strip().rstrip("/") + "/v1/traces" if text.strip() else "")
