"""How one setting is described: its kind, its environment variables, its meaning."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from observekit.config.kinds import FLAG, PAIRS, Kind, parse_flag, parse_pairs


@dataclass(frozen=True, slots=True)
class Source:
    """An environment variable, and how it is read where that differs from the setting's kind.

    ``read`` returns ``None`` where the variable says nothing about the setting; ``rule`` is what the
    variable must be, and ``note`` says in a few words how it becomes the setting's value.
    """

    variable: str
    read: Callable[[str], object] | None = None
    rule: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known about one field of Config besides its default.

    ``closed`` is used in place of a variable that is wrong, where the default would let in those whom
    somebody meant to keep out.
    """

    kind: Kind
    sources: tuple[Source, ...]
    help: str
    closed: Any = None


def setting(
    default: Any,
    kind: Kind,
    *sources: str | Source,
    help: str,  # noqa: A002 -- the same word as in the catalogue
    closed: Any = None,
) -> Any:
    """Define a field of Config by its default, its kind and the variables it is read from."""
    known = tuple(Source(one) if isinstance(one, str) else one for one in sources)
    metadata = {"setting": Setting(kind=kind, sources=known, help=help, closed=closed)}
    return field(default=default, metadata=metadata)


def resource(attribute: str) -> Source:
    """Read one attribute out of OTEL_RESOURCE_ATTRIBUTES; one that is empty says nothing."""

    def read(text: str) -> str | None:
        return parse_pairs(text).get(attribute, "").strip() or None

    return Source("OTEL_RESOURCE_ATTRIBUTES", read, PAIRS.rule, f"its {attribute}")


def negated(variable: str, parse: Callable[[str], bool] = parse_flag) -> Source:
    """Read a variable that turns off what the setting turns on."""
    return Source(variable, lambda text: not parse(text), FLAG.rule, "turns it off")


def turned_off(variable: str, parse: Callable[[str], bool]) -> Source:
    """Read a variable that can turn the setting off, and says nothing of turning it on."""
    return Source(variable, lambda text: False if parse(text) else None, FLAG.rule, "turns it off")


def seconds(variable: str, *, most: int) -> Source:
    """Read a variable that is in seconds, where a specification has milliseconds."""
    return Source(variable, float, f"must be a number of seconds above 0 and at most {most}", "in seconds")


def milliseconds(variable: str, *, most: int) -> Source:
    """Read a variable that is in milliseconds into a setting that is in seconds."""
    rule = f"must be a number of milliseconds above 0 and at most {most}"
    return Source(variable, lambda text: float(text) / 1000, rule, "in milliseconds")


def traces_below(variable: str) -> Source:
    """Read the endpoint that all signals share, for traces."""
    return _signal_below(variable, "traces")


def logs_below(variable: str) -> Source:
    """Read the endpoint that all signals share, for logs."""
    return _signal_below(variable, "logs")


def _signal_below(variable: str, signal: str) -> Source:

    def read(text: str) -> str:
        # Source: OTLP exporter specification: signals are appended to the common endpoint, not to their own.
        parts = urlsplit(text.strip())
        return parts._replace(path=parts.path.rstrip("/") + f"/v1/{signal}").geturl()

    return Source(variable, read, note=f"with /v1/{signal}")
