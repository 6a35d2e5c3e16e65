"""`observekit dashboards check` and `observekit rules check`: whether what files name is there."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from observekit.cli.exits import ANSWER_IS_NO, FINE
from observekit.cli.reading import documents, text_of
from observekit.dashboards.check.vocabulary import Known, Vocabulary, merged, of_catalogue, of_page
from observekit.dashboards.rules.files import groups
from observekit.dashboards.rules.parameters import Parameters
from observekit.errors import ConfigError, MissingExtraError, RemoteError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_SECONDS: Final = 10
_ABOUT: Final = """\
Check that every expression parses, and names only metrics, labels and values that
are there: in observekit's catalogue, on the metrics pages given, and among what
rules record. Exits with 1 where something is not.
"""


def add_check(commands: "Commands", what: str, run: Callable[[argparse.Namespace], int]) -> None:
    """Register the command ``check``."""
    check = commands.add_parser(
        "check",
        help=f"check {what} of yours",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help=f"{what}, as JSON or YAML")
    check.add_argument(
        "--metrics",
        action="append",
        default=[],
        metavar="PAGE",
        help="a metrics page, as an address (http://…/metrics) or a file; may be given several times",
    )
    check.add_argument(
        "--rules",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="rules whose recorded series may be named; may be given several times",
    )
    check.set_defaults(run=run)


def check_boards(options: argparse.Namespace) -> int:
    """Check boards and print what is wrong with them."""
    _refuse_without_parser()
    from observekit.dashboards.check.grafana import board_complaints  # noqa: PLC0415 -- an extra

    known = _known(options, ())
    return _tell(_each(options.files, lambda board: board_complaints(board, known)))


def check_rules(options: argparse.Namespace) -> int:
    """Check rule files and print what is wrong with them."""
    _refuse_without_parser()
    from observekit.dashboards.check.rulefiles import rule_complaints, rules_of  # noqa: PLC0415 -- an extra

    known = _known(options, options.files)
    return _tell(_each(options.files, lambda document: rule_complaints(rules_of(document), known)))


def _each(files: Iterable[Path], check: Callable[[Any], Iterator[str]]) -> Iterator[str]:
    for path in files:
        for document in documents(path):
            try:
                yield from (f"{path}: {complaint}" for complaint in check(document))
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from error


def _tell(found: Iterator[str]) -> int:
    told = list(found)
    print(*told, sep="\n", end="\n" if told else "")
    print(f"{len(told)} wrong." if told else "Nothing wrong.")
    return ANSWER_IS_NO if told else FINE


def _refuse_without_parser() -> None:
    if find_spec("promql_parser") is None:
        raise MissingExtraError(
            "checks of boards and rules need promql-parser. Install it with: pip install 'observekit[rules]'"
        )


def _known(options: argparse.Namespace, more: Iterable[Path]) -> dict[str, Known]:
    from observekit.dashboards.check.rulefiles import rules_of, with_recorded  # noqa: PLC0415 -- an extra

    pages: list[Vocabulary] = [of_page(_page(page)) for page in options.metrics]
    known = merged([of_catalogue(), *pages])
    ours = [recording.json() for group in groups(Parameters()) for recording in group.recordings]
    known = with_recorded(ours, known)
    for path in (*options.rules, *more):
        for document in documents(path):
            try:
                known = with_recorded(rules_of(document), known)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from error
    return known


def _page(page: str) -> str:
    if not page.startswith(("http://", "https://")):
        return text_of(Path(page))
    try:
        with urlopen(page, timeout=_SECONDS) as answer:  # noqa: S310 -- the scheme was looked at
            text: str = answer.read().decode("utf-8", "replace")
    except (URLError, OSError) as error:
        raise RemoteError(f"{page} cannot be read: {getattr(error, 'reason', error)}.") from error
    return text
