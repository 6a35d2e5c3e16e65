"""`observekit dashboards preview`: boards with live data on one page."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, Final

from observekit.cli.exits import FINE
from observekit.cli.reading import documents
from observekit.dashboards.preview.page import page
from observekit.dashboards.preview.picture import View, picture
from observekit.dashboards.preview.prometheus import Prometheus
from observekit.dashboards.rules.durations import seconds_of
from observekit.dashboards.write import DEFAULT_SCRAPE_INTERVAL, Options, generated, write_files
from observekit.errors import ConfigError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_ABOUT: Final = """\
Ask a Prometheus for everything on the boards, and write one HTML page that shows
them with real charts. It needs neither Grafana nor a network to be read. What is
drawn is the JSON that Grafana would be given; what Grafana adds to it is not there:
choices at the top, exemplars, annotations.
"""
_OURS: Final = "The boards must be those of observekit dashboards."


def add_preview(commands: "Commands") -> None:
    """Register the command ``preview``."""
    parser = commands.add_parser(
        "preview",
        help="show boards with live data on one HTML page",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("boards", nargs="*", type=Path, metavar="FILE", help="boards; ours unless given")
    parser.add_argument(
        "--prometheus",
        default="http://127.0.0.1:9090",
        metavar="URL",
        help="where Prometheus can be asked (default: %(default)s)",
    )
    parser.add_argument(
        "--page",
        default=Path("observekit-boards.html"),
        type=Path,
        metavar="FILE",
        help="file to write (default: %(default)s)",
    )
    parser.add_argument(
        "--last",
        default="1h",
        metavar="DURATION",
        help="how much time is shown, up to now (default: %(default)s)",
    )
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="NAME=REGEX",
        help="what is chosen at the top of the boards, as job=shop; All unless given",
    )
    parser.set_defaults(run=preview)


def preview(options: argparse.Namespace) -> int:
    """Write the page and print its path."""
    span = seconds_of(options.last)
    if span is None:
        raise ConfigError(f"--last is {options.last!r}, but must be a duration like 15m or 6h.")
    view = View(end=time(), span=span, chosen=dict(_chosen(options.choose)))
    prometheus = Prometheus(options.prometheus)
    boards = _boards(options)
    try:
        pictures = [picture(board, prometheus, view) for board in boards]
    except (AttributeError, KeyError, TypeError) as error:
        # Somebody else's board, which may leave out what ours always have.
        raise ConfigError(_OURS) from error
    for path in write_files(options.page.parent, {options.page.name: page(pictures)}):
        print(path)
    return FINE


def _chosen(choices: list[str]) -> Iterator[tuple[str, str]]:
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f"--choose is {choice!r}, but must be NAME=REGEX, like job=shop.")
        yield name, value


def _boards(options: argparse.Namespace) -> list[Any]:
    if options.boards:
        boards = [board for path in options.boards for board in documents(path)]
        if not all(
            isinstance(board, dict) and {"panels", "templating", "uid"} <= board.keys() for board in boards
        ):
            raise ConfigError(_OURS)
        return boards
    interval = getattr(options, "scrape_interval", DEFAULT_SCRAPE_INTERVAL)
    files = generated(Options(scrape_interval=interval))
    return [json.loads(text) for name, text in files.items() if name.startswith("dashboards/")]
