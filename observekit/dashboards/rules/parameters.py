"""What rules depend on beside the catalogue: whom they are about, and how severe what is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from observekit.dashboards.rules.durations import duration
from observekit.dashboards.rules.model import SEVERITIES
from observekit.dashboards.rules.objective import Objective
from observekit.dashboards.rules.usual import usual_objectives
from observekit.dashboards.series import Matcher
from observekit.errors import ConfigError

RUNBOOK: Final = "docs/runbook.md"
"""Where the runbook lies in the repository."""

# Source: the slowest rate that is recorded spans 5 min, of which 30 s are a tenth.
EVALUATION_SECONDS: Final = 30
_LONGEST_REHEARSAL: Final = 600
# Source: an object of Kubernetes is called by at most 63 signs, some of which are ours.
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_ESCAPED_OR_SET: Final = re.compile(r"\\.|\[\^?\]?[^]]*\]", re.DOTALL)
# Source: re2/doc/syntax.txt, what is marked there as not supported and Python has.
_NOT_IN_RE2: Final = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|[*+?}]\+|\\[1-9Z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How the rules are to be written.

    ``name`` is that of the files and of the manifest. ``job`` is a regular expression over the names of
    jobs, empty for all: alerts are about those that show observekit's metrics, objectives and what is
    recorded of requests about each that has such metrics, whoever wrote them.
    ``severities`` gives an alert, or all alerts of one severity, another value of the label.
    ``without`` are names of alerts to leave out. ``rehearsal`` divides each window and each time an alert
    waits, so that what takes an hour can be watched within a minute.
    ``forget_days`` is how long a service may be gone before that is taken to be on purpose.

    Raises:
        ConfigError: If a value cannot be right; names all of them.
    """

    name: str = "observekit"
    job: str = ""
    objectives: tuple[Objective, ...] = field(default_factory=usual_objectives)
    severities: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    forget_days: float = 7
    runbook_url: str = RUNBOOK
    grafana_url: str = "http://127.0.0.1:3000"
    rehearsal: int = 1

    def __post_init__(self) -> None:
        if told := " ".join(_problems(self)):
            raise ConfigError(told)

    @property
    def here(self) -> tuple[Matcher, ...]:
        """What selectors begin with."""
        return (Matcher("job", "=~", self.job),) if self.job else ()

    @property
    def interval(self) -> str:
        """How often rules are evaluated."""
        return duration(EVALUATION_SECONDS / self.rehearsal)

    def time(self, seconds: float) -> str:
        """Return *seconds* as a window or a time to wait."""
        return duration(self.seconds(seconds))

    def seconds(self, seconds: float) -> float:
        """Return how many of them it is in a rehearsal."""
        return seconds / self.rehearsal


def _problems(given: Parameters) -> Iterator[str]:
    yield from _name_problems(given)
    if not 1 <= given.rehearsal <= _LONGEST_REHEARSAL:
        yield f"rehearsal is {given.rehearsal}, but must be 1 to {_LONGEST_REHEARSAL}."
    if not 0 < given.forget_days < float("inf"):
        yield f"forget_days is {given.forget_days}, but must be a number of days above 0."
    for name, url in (("runbook_url", given.runbook_url), ("grafana_url", given.grafana_url)):
        if not url or any(sign in url for sign in " \"'{}#?"):
            yield f"{name} is {url!r}, but must be an address without spaces, quotes, braces, # and ?."
    yield from _twice([objective.name for objective in given.objectives])
    for value in given.severities.values():
        if not value.isidentifier():
            yield f"severity is {value!r}, but must be a word like {', '.join(SEVERITIES)}."


def _name_problems(given: Parameters) -> Iterator[str]:
    if not _NAME.fullmatch(given.name):
        yield f"name is {given.name!r}, but must be at most 40 small letters, digits and - between them."
    if not is_pattern(given.job):
        yield (
            f"job is {given.job!r}, but must be a regular expression, like shop|orders, without "
            "lookarounds, possessive repeats and references, which Prometheus does not know."
        )


def _twice(names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"There are two objectives {name!r}; give each a name of its own."


def is_pattern(text: str) -> bool:
    """Return whether *text* is a regular expression of Prometheus', whose library is RE2."""
    try:
        re.compile(text)
    except re.error:
        return False
    return not _NOT_IN_RE2.search(_ESCAPED_OR_SET.sub(_kept, text))


def _kept(found: re.Match[str]) -> str:
    # A reference, or an anchor with another name, is escaped; all else that is escaped is a sign like others.
    return found[0] if re.fullmatch(r"\\[1-9Z]", found[0]) else "x"
