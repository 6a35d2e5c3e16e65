"""The only reader of the environment: arguments, then variables, then defaults, each with its origin."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from observekit.config.kinds import parse_flag
from observekit.config.model import SETTINGS, Config, broken, shown
from observekit.config.setting import Source
from observekit.errors import ConfigError

STRICT: Final = "OBSERVEKIT_STRICT"
_PREFIX: Final = "OBSERVEKIT_"
_DEFAULTS: Final = Config()
_KNOWN: Final = {STRICT} | {source.variable for setting in SETTINGS.values() for source in setting.sources}


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
    _refuse_unknown(arguments)
    given, problems = _read(environ, skip=arguments.keys())
    config, contradictions = _fit(arguments, given)
    problems.extend(contradictions)
    effective = Effective(
        config=config,
        origins={name: _origin(name, arguments, given) for name in SETTINGS},
        problems=tuple(problems),
        unknown=tuple(_unknown(environ)),
    )
    if strict(environ) and problems:
        raise ConfigError("\n".join(problem.message for problem in problems))
    return effective


def strict(environ: Mapping[str, str]) -> bool:
    """Whether wrong variables are errors."""
    try:
        return parse_flag(environ.get(STRICT, "0"))
    except ValueError:
        return True  # Whoever sets it to something odd wants to be told.


def _refuse_unknown(arguments: Mapping[str, object]) -> None:
    wrong = []
    for name in arguments:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, n=1)
            wrong.append(f"{name!r} is no setting" + (f"; did you mean {near[0]!r}?" if near else "."))
    if wrong:
        raise ConfigError("\n".join(wrong))


def _read(environ: Mapping[str, str], *, skip: Collection[str]) -> tuple[dict[str, _Given], list[Problem]]:
    given: dict[str, _Given] = {}
    problems: dict[str, Problem] = {}
    for name, setting in SETTINGS.items():
        for source in setting.sources:
            text = environ.get(source.variable)
            # Source: OpenTelemetry specification: an empty variable counts as not set.
            if text is None or text.strip() == "" or name in given:
                continue
            value, wrong = _value(name, source, text)
            if wrong:
                problems.setdefault(source.variable, Problem(source.variable, wrong))
            elif value is not None or source.read is None:
                given[name] = _Given(value, source.variable)
    for name in skip:
        given.pop(name, None)
    return given, list(problems.values())


def _value(name: str, source: Source, text: str) -> tuple[object, str | None]:
    """Return the value of *text*, or what is wrong with it."""
    setting = SETTINGS[name]
    try:
        value = (source.read or setting.kind.parse)(text)
    except (ValueError, OverflowError):
        value, readable = None, False
    else:
        readable = value is None or setting.kind.accepts(value)
    if readable:
        return value, None
    told = "'[redacted]'" if setting.secret else repr(text)
    return None, f"{source.variable} is {told}, but {name} {setting.kind.rule}; the variable is ignored."


def _fit(arguments: dict[str, Any], given: dict[str, _Given]) -> tuple[Config, list[Problem]]:
    """Make the configuration, letting go of variables that contradict the rest, never of arguments."""
    problems: list[Problem] = []
    defaults = {name: getattr(_DEFAULTS, name) for name in SETTINGS}
    while True:
        values = defaults | {name: one.value for name, one in given.items()} | arguments
        found = next(((names, text) for names, text in broken(values) if given.keys() & set(names)), None)
        if found is None:
            return Config(**values), problems
        names, text = found
        for name in names:
            if name in given:
                variable = given.pop(name).variable
                problems.append(Problem(variable, f"{text[:-1]}; {variable} is ignored."))


def _origin(name: str, arguments: Mapping[str, object], given: Mapping[str, _Given]) -> str:
    if name in arguments:
        return "argument"
    return given[name].variable if name in given else "default"


def _unknown(environ: Mapping[str, str]) -> Iterator[Problem]:
    for variable in sorted(environ):
        if variable.startswith(_PREFIX) and variable not in _KNOWN:
            near = get_close_matches(variable, _KNOWN, n=1)
            advice = f"; did you mean {near[0]}?" if near else "."
            yield Problem(variable, f"{variable} is no setting of observekit{advice}")


def table(effective: Effective) -> list[tuple[str, str, str]]:
    """Return name, printable value and origin of each setting, secrets masked."""
    return [
        (name, shown(name, getattr(effective.config, name)), effective.origins[name]) for name in SETTINGS
    ]
