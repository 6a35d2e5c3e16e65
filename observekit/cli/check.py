"""``observekit check``: the configuration that is in effect here, and everything that is wrong with it."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from observekit.cli.exits import ANSWER_IS_NO, FINE
from observekit.config.env import Effective, examine, strict, table
from observekit.config.model import SETTINGS

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

FORMAT_VERSION: Final = 1
"""Rises when a key of the JSON form changes its meaning or goes away."""
_WIDEST_COLUMN: Final = 44


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "check",
        help="print the effective configuration and what is wrong with it",
        description="Print every setting with its value and where it came from, then every variable of the "
        "environment that is wrong or unknown. Exit code 1 if there is one.",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text unless given")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the configuration of this environment."""
    text, code = report(os.environ, form=options.format)
    # Values may hold characters that the terminal's encoding lacks.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return code


def report(environ: Mapping[str, str], *, form: str) -> tuple[str, int]:
    """Return what there is to say about *environ*, as ``text`` or ``json``, and the exit code."""
    effective = examine(environ)
    is_strict = strict(environ)
    code = ANSWER_IS_NO if effective.problems or effective.unknown else FINE
    if form == "json":
        return json.dumps(_as_data(effective, is_strict=is_strict), indent=2, sort_keys=True), code
    return "\n".join(_as_text(effective, is_strict=is_strict)), code


def _as_data(effective: Effective, *, is_strict: bool) -> Mapping[str, Any]:
    settings = [
        {
            "name": name,
            "value": about.kind.masked(getattr(effective.config, name)),
            "origin": effective.origins[name],
        }
        for name, about in SETTINGS.items()
    ]
    problems, unknown = (
        [{"variable": one.variable, "message": one.message} for one in found]
        for found in (effective.problems, effective.unknown)
    )
    return {
        "format_version": FORMAT_VERSION,
        "settings": settings,
        "problems": problems,
        "unknown": unknown,
        "strict": is_strict,
    }


def _as_text(effective: Effective, *, is_strict: bool) -> Iterator[str]:
    rows = [("SETTING", "VALUE", "ORIGIN"), *table(effective)]
    first, second = (min(_WIDEST_COLUMN, max(len(row[at]) for row in rows)) for at in (0, 1))
    for name, value, origin in rows:
        yield f"{name:{first}}  {value:{second}}  {origin}"
    yield ""
    wrong = (*effective.problems, *effective.unknown)
    if not wrong:
        yield "Nothing is wrong."
        return
    yield f"{len(wrong)} wrong:"
    for one in wrong:
        yield f"  {one.message}"
    if is_strict and effective.problems:
        yield "OBSERVEKIT_STRICT is set: a service does not start with this environment."
