"""`observekit dashboards`: write boards and provisioning files."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from observekit.cli.checking import add_check, check_boards
from observekit.cli.exits import FINE
from observekit.cli.previewing import add_preview
from observekit.dashboards.write import DEFAULT_SCRAPE_INTERVAL, Options, write
from observekit.errors import ConfigError

if TYPE_CHECKING:
    # At run time the class takes no parameter.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse names it no other way


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "dashboards",
        help="write Grafana boards and provisioning files",
        description="Write Grafana boards, their provisioning, and an example Prometheus configuration.",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="directory to write to")
    parser.add_argument(
        "--scrape-interval",
        default=DEFAULT_SCRAPE_INTERVAL,
        metavar="DURATION",
        help="how often Prometheus scrapes the service (default: %(default)s)",
    )
    parser.set_defaults(run=run)
    below = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_check(below, "boards", check_boards)
    add_preview(below)


def run(options: argparse.Namespace) -> int:
    """Write the files and print each path."""
    if options.out is None:
        raise ConfigError("--out is missing; say which directory to write to, or which command to run.")
    for path in write(options.out, Options(scrape_interval=options.scrape_interval)):
        print(path)
    return FINE
