"""The only reader of the environment: arguments, then variables, then defaults, each with its origin."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from observekit.config.kinds import FLAG, parse_flag
from observekit.config.masked import cut
from observekit.config.model import SETTINGS, Config, shown
from observekit.config.rules import broken
from observekit.config.setting import Setting, Source
from observekit.errors import ConfigError

_IGNORED: Final = "; the variable is ignored."
_CLOSED: Final = "; nobody is let in."
STRICT: Final = "OBSERVEKIT_STRICT"
_PREFIX: Final = "OBSERVEKIT_"
_DEFAULTS: Final[Mapping[str, Any]] = {name: getattr(Config(), name) for name in SETTINGS}
_KNOWN: Final = {STRICT} | {source.variable for setting in SETTINGS.values() for source in setting.sources}
# A misspelt variable is looked for without its prefix, which would make everything look alike, and among the
# names of the settings too, so that OBSERVEKIT_SERVICE_NAME leads to OTEL_SERVICE_NAME. Of two that are one
# without their prefixes, ours is meant.
_STEMS: Final = {
    **{name.upper(): setting.sources[0].variable for name, setting in SETTINGS.items()},
    **{
        variable.removeprefix("OTEL_").removeprefix(_PREFIX): variable
        for variable in sorted(_KNOWN, reverse=True)
    },
}
_SILENT: Final = object()
"""What a variable says that says nothing: ``None`` is a value, as in ``OBSERVEKIT_METRICS_PATH=off``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A variable of the environment that was not followed, and why, as a sentence."""

    variable: str
    message: str


@dataclass(frozen=True, slots=True)
class Effective:
    """A configuration and how it came about.

    ``origins`` says for each setting ``argument``, ``default`` or the variable it was read from.
    ``problems`` are variables that were not followed; ``unknown`` are names that no setting has.
    """

    config: Config
    origins: Mapping[str, str]
    problems: tuple[Problem, ...]
    unknown: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    value: Any
    variable: str


def load(environ: Mapping[str, str] | None = None, **arguments: object) -> Effective:
    """Build the configuration from arguments, then environment, then defaults.

    Args:
        environ: The environment; the process's own unless given.
        **arguments: Settings by the names of Config's fields.

    Raises:
        ConfigError: If an argument is wrong or unknown, or if a variable is and ``OBSERVEKIT_STRICT`` is set.
    """
    environ = os.environ if environ is None else environ
    effective = examine(environ, **arguments)
    if strict(environ) and effective.problems:
        told = (
            problem.message.removesuffix(_IGNORED).removesuffix(_CLOSED) for problem in effective.problems
        )
        raise ConfigError("\n".join(f"{message.removesuffix('.')}." for message in told))
    return effective


def examine(environ: Mapping[str, str], **arguments: object) -> Effective:
    """Build the configuration as ``load`` does, strict or not: no variable makes this raise."""
    _refuse_unknown(arguments)
    given, wrong = _read(environ, skip=arguments.keys())
    config, contradictions = _fit(arguments, given)
    return Effective(
        config=config,
        origins={name: _origin(name, arguments, given) for name in SETTINGS},
        problems=(*_wrong_strict(environ), *wrong.values(), *contradictions),
        unknown=tuple(_unknown(environ)),
    )


def strict(environ: Mapping[str, str]) -> bool:
    """Whether wrong variables are errors; what is neither yes nor no is itself wrong, and means no."""
    try:
        return parse_flag(environ.get(STRICT, "no"))
    except ValueError:
        return False


def _refuse_unknown(arguments: Mapping[str, object]) -> None:
    unknown = [name for name in arguments if name not in SETTINGS]
    if not unknown:
        return
    told = []
    for name in unknown:
        near = get_close_matches(name, SETTINGS, n=1)
        told.append(f"{name!r} is no setting" + (f"; did you mean {near[0]!r}?" if near else "."))
    known = {name: value for name, value in arguments.items() if name in SETTINGS}
    told.extend(text for names, text in broken(SETTINGS, {**_DEFAULTS, **known}))
    raise ConfigError("\n".join(told))


def _read(
    environ: Mapping[str, str], *, skip: Collection[str]
) -> tuple[dict[str, _Given], dict[str, Problem]]:
    """Return what the environment gives, and what is wrong with the variables that were looked at.

    Variables that something before them overrides are not looked at: what nobody uses cannot be wrong.
    """
    given: dict[str, _Given] = {}
    problems: dict[str, Problem] = {}
    for name, setting in SETTINGS.items():
        if name in skip:
            continue
        for source in setting.sources:
            value, wrong = _value(setting, source, environ.get(source.variable, ""))
            if wrong is not None:
                problems.setdefault(source.variable, Problem(source.variable, wrong))
                if setting.closed is not None:
                    given[name] = _Given(setting.closed, source.variable)
                    break
            elif value is not _SILENT:
                given[name] = _Given(value, source.variable)
                break
    return given, problems


def _value(setting: Setting, source: Source, text: str) -> tuple[object, str | None]:
    """Return the value of *text*, or what is wrong with it."""
    # Source: OpenTelemetry specification: an empty variable counts as not set.
    if text.strip() == "":
        return _SILENT, None
    try:
        value = (source.read or setting.kind.parse)(text)
    except (ValueError, OverflowError):
        return _SILENT, _wrong(setting, source, text)
    if value is None and source.read is not None:
        return _SILENT, None
    return (value, None) if setting.kind.accepts(value) else (_SILENT, _wrong(setting, source, text))


def _wrong(setting: Setting, source: Source, text: str) -> str:
    rule = source.rule or setting.kind.rule
    instead = _IGNORED if setting.closed is None else _CLOSED
    return f"{source.variable} is {cut(setting.kind.masked(text))}, but {rule}{instead}"


def _wrong_strict(environ: Mapping[str, str]) -> Iterator[Problem]:
    text = environ.get(STRICT, "")
    try:
        parse_flag(text.strip() or "no")
    except ValueError:
        told = f"{STRICT} is {cut(text)}, but {FLAG.rule}{_IGNORED}"
        yield Problem(STRICT, told)


def _fit(arguments: Mapping[str, Any], given: dict[str, _Given]) -> tuple[Config, list[Problem]]:
    """Make the configuration, letting go of variables that contradict the rest, never of arguments."""
    problems: list[Problem] = []
    while True:
        values = {**_DEFAULTS, **{name: one.value for name, one in given.items()}, **arguments}
        found = (rule for rule in broken(SETTINGS, values) if given.keys() & set(rule[0]))
        names, text = next(found, ((), ""))
        if not names:
            return Config(**values), problems
        let_go = [given.pop(name).variable for name in names if name in given]
        problems.extend(Problem(variable, f"{text[:-1]}; {variable} is ignored.") for variable in let_go)


def _origin(name: str, arguments: Mapping[str, object], given: Mapping[str, _Given]) -> str:
    if name in arguments:
        return "argument"
    return given[name].variable if name in given else "default"


def _unknown(environ: Mapping[str, str]) -> Iterator[Problem]:
    for variable in sorted(environ):
        if variable.startswith(_PREFIX) and variable not in _KNOWN:
            near = get_close_matches(variable.removeprefix(_PREFIX), _STEMS, n=1)
            advice = f"; did you mean {_STEMS[near[0]]}?" if near else "."
            told = variable if variable.isprintable() else cut(variable)
            yield Problem(variable, f"{told} is no setting of observekit{advice}")


def table(effective: Effective) -> list[tuple[str, str, str]]:
    """Return name, printable value and origin of each setting, secrets masked."""
    return [
        (name, shown(name, getattr(effective.config, name)), effective.origins[name]) for name in SETTINGS
    ]
