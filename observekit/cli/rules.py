"""`observekit rules`: write recording rules, alerts and objectives for Prometheus."""

import argparse
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final

from observekit.cli.checking import add_check, check_rules
from observekit.cli.exits import FINE
from observekit.cli.reading import documents
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.objective import Objective
from observekit.dashboards.rules.openslo import objectives
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.runbook import runbook
from observekit.dashboards.rules.usual import AVAILABILITY, LATENCY, LATENCY_SECONDS, usual_objectives
from observekit.dashboards.write import write_files
from observekit.errors import CatalogueError, ConfigError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_ABOUT: Final = """\
Write recording rules, alerts and objectives (SLOs) as a rule file of Prometheus
and as a PrometheusRule for its operator on Kubernetes. What each alert means and
what to do is in the runbook, docs/runbook.md.
"""


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "rules",
        help="write Prometheus rules: alerts, recording rules, objectives",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="directory to write to")
    parser.add_argument(
        "--runbook", type=Path, metavar="FILE", help="write the runbook of these rules too, as Markdown"
    )
    _add_objectives(parser)
    _add_alerts(parser)
    parser.set_defaults(run=run)
    below = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_check(below, "rules", check_rules)


def _add_objectives(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--slo",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="objectives of yours in OpenSLO, as YAML or JSON; may be given several times (see docs/slo.md)",
    )
    group = parser.add_argument_group("objectives of every service")
    group.add_argument(
        "--only-slo", action="store_true", help="write those of the files given with --slo only"
    )
    group.add_argument(
        "--availability",
        default=AVAILABILITY * 100,
        type=_percent,
        metavar="PERCENT",
        help="of the requests are not answered with 5xx (default: %(default)s)",
    )
    group.add_argument(
        "--latency",
        default=LATENCY * 100,
        type=_percent,
        metavar="PERCENT",
        help="of the requests that do not fail are quick enough (default: %(default)s)",
    )
    group.add_argument(
        "--latency-seconds",
        default=LATENCY_SECONDS,
        type=float,
        metavar="SECONDS",
        help="what is quick enough, one of the buckets of the duration of requests (default: %(default)s)",
    )
    group.add_argument(
        "--period",
        default=30,
        type=int,
        metavar="DAYS",
        help="length of the period of an objective, 28 or 30 (default: %(default)s)",
    )


def _add_alerts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("alerts")
    group.add_argument(
        "--job", default="", metavar="REGEX", help="only jobs whose whole name matches; all unless given"
    )
    group.add_argument(
        "--name",
        default=Parameters().name,
        metavar="NAME",
        help="name of the files and of the PrometheusRule, of which there may be several, each for other "
        "jobs (default: %(default)s)",
    )
    group.add_argument(
        "--severity",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="the label severity of an alert (TargetDown=critical) or of all of one severity "
        "(critical=page); may be given several times",
    )
    group.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="ALERT",
        help="leave this alert out; may be given several times",
    )
    given = Parameters()
    group.add_argument(
        "--forget-days",
        default=given.forget_days,
        type=float,
        metavar="DAYS",
        help="how long a service may be gone before that is taken to be on purpose (default: %(default)s)",
    )
    group.add_argument(
        "--runbook-url",
        default=given.runbook_url,
        metavar="URL",
        help="where the runbook can be read; the name of the alert follows after # (default: %(default)s)",
    )
    group.add_argument(
        "--grafana-url",
        default=given.grafana_url,
        metavar="URL",
        help="where Grafana can be reached (default: %(default)s)",
    )
    group.add_argument(
        "--rehearsal",
        default=given.rehearsal,
        type=int,
        metavar="N",
        help="divide all windows and waiting times by N, to watch in a minute what takes an hour; "
        "not for production",
    )


def run(options: argparse.Namespace) -> int:
    """Write the files and print each path."""
    if options.out is None:
        raise ConfigError("--out is missing; say which directory to write to, or which command to run.")
    given = Parameters(
        name=options.name,
        job=options.job,
        objectives=_objectives(options),
        severities=dict(options.severity),
        without=frozenset(options.without),
        forget_days=options.forget_days,
        runbook_url=options.runbook_url,
        grafana_url=options.grafana_url,
        rehearsal=options.rehearsal,
    )
    for path in write_files(options.out, rule_files(given)):
        print(path)
    if options.runbook:
        for path in write_files(options.runbook.parent, {options.runbook.name: runbook(given)}):
            print(path)
    return FINE


def _objectives(options: argparse.Namespace) -> tuple[Objective, ...]:
    own = tuple(objective for path in options.slo for objective in _of_file(path))
    return own if options.only_slo else (*_usual(options), *own)


def _of_file(path: Path) -> Iterator[Objective]:
    for number, document in enumerate(documents(path), 1):
        try:
            yield from objectives(document)
        except ConfigError as error:
            raise ConfigError(f"{path}, document {number}: {error}") from error


def _usual(options: argparse.Namespace) -> tuple[Objective, ...]:
    try:
        return usual_objectives(
            availability=options.availability / 100,
            latency=options.latency / 100,
            latency_seconds=options.latency_seconds,
            period_days=options.period,
        )
    except CatalogueError as error:
        raise ConfigError(f"--latency-seconds: {error}") from error


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} must be a number like 99.9")
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE, like critical=page")
    return name, value
