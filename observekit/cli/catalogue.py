"""``observekit catalogue``: what a service with observekit emits, and what can be set."""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from observekit.cli.documents import SECTIONS, Entry, entries, inline, markdown
from observekit.cli.exits import FINE

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

FORMAT_VERSION: Final = 1
"""Rises when a key of the JSON form changes its meaning or goes away."""


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "catalogue",
        help="print every metric, log event, span, probe and setting",
        description="Print everything that a service with observekit emits, and everything that can be set.",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="text unless given"
    )
    parser.add_argument("--section", choices=SECTIONS, help="print only this one; all unless given")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the catalogue."""
    sections = (options.section,) if options.section else SECTIONS
    print({"text": _as_text, "json": _as_json, "markdown": _as_markdown}[options.format](sections))
    return FINE


def _as_json(sections: Sequence[str]) -> str:
    data: dict[str, Any] = {name: sorted(entries(name), key=lambda one: one["name"]) for name in sections}
    return json.dumps({"format_version": FORMAT_VERSION, **data}, indent=2, sort_keys=True)


def _as_markdown(sections: Sequence[str]) -> str:
    if len(sections) == 1:
        return markdown(sections[0])
    return "\n\n".join(f"## {name.capitalize()}\n\n{markdown(name)}" for name in sections)


def _as_text(sections: Sequence[str]) -> str:
    return "\n\n".join("\n".join((name.upper(), *map(_paragraph, entries(name)))) for name in sections)


def _paragraph(entry: Entry) -> str:
    return "\n".join(("", entry["name"], *_facts(entry)))


def _facts(entry: Entry) -> Iterator[str]:
    yield f"    {entry['help']}"
    for key, value in entry.items():
        if key not in {"name", "help"} and (value or key == "default"):
            yield f"    {key.replace('_', ' ')}: {inline(value)}"
