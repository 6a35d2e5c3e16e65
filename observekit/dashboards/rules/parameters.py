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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How the rules are to be written.

    ``job`` is a regular expression over the names of jobs, empty for all that show observekit's metrics.
    ``severities`` gives an alert, or all alerts of one severity, another value of the label.
    ``without`` are names of alerts to leave out. ``rehearsal`` divides each window and each time an alert
    waits, so that what takes an hour can be watched within a minute.
    ``job_hours`` is how long a job may go without success.

    Raises:
        ConfigError: If a value cannot be right; names all of them.
    """

    job: str = ""
    objectives: tuple[Objective, ...] = field(default_factory=usual_objectives)
    severities: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    job_hours: float = 26
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
        return duration(seconds / self.rehearsal)


def _problems(given: Parameters) -> Iterator[str]:
    if not _is_pattern(given.job):
        yield f"job is {given.job!r}, but must be a regular expression, like shop|orders."
    if not 1 <= given.rehearsal <= _LONGEST_REHEARSAL:
        yield f"rehearsal is {given.rehearsal}, but must be 1 to {_LONGEST_REHEARSAL}."
    if not 0 < given.job_hours < float("inf"):
        yield f"job_hours is {given.job_hours}, but must be a number of hours above 0."
    for name, url in (("runbook_url", given.runbook_url), ("grafana_url", given.grafana_url)):
        if not url or any(sign in url for sign in " \"'{}#?"):
            yield f"{name} is {url!r}, but must be an address without spaces, quotes, braces, # and ?."
    yield from _twice([objective.name for objective in given.objectives])
    for value in given.severities.values():
        if not value.isidentifier():
            yield f"severity is {value!r}, but must be a word like {', '.join(SEVERITIES)}."


def _twice(names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"There are two objectives {name!r}; give each a name of its own."


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
