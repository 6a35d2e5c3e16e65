"""The boards in the types of each Grafana from 10.1 on: ``python -m tests.boards.grafana`` writes a table.

Grafana publishes its types for each of its versions, as releases of one package; they are installed into a
directory that is removed again.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.boards.queries import BOARDS

FILE = Path(__file__).parent / "GRAFANA.md"
# Source: the versions of the package; with an epoch they are for one Grafana each, without for 12 and 13.
RELEASES: Final = {
    "10.1": "1769699998!10.1.0",
    "10.4": "1769699796!10.4.0",
    "11.0": "1769699734!11.0.0",
    "11.3": "1769699590!11.3.0",
    "11.6": "1769699379!11.6.0",
    "12 and 13": "0.0.21",
}
KNOWN: Final = {
    ".annotations.list.builtIn": "written by Grafana itself, missing in the types of 10.1",
    ".panels.options.tooltip.showColorScale": "a legend in the tooltip of heatmaps, which 10.1 leaves out",
    ".annotations.list.step": "read by the data source, missing in the types before 12",
    ".annotations.list.tagKeys": "read by the data source, missing in the types before 12",
    ".annotations.list.textFormat": "read by the data source, missing in the types before 12",
    ".annotations.list.titleFormat": "read by the data source, missing in the types before 12",
    ".annotations.list.useValueForTime": "read by the data source, missing in the types before 12",
    ".templating.list.definition": "written by Grafana itself, missing in the types before 12",
}
"""Keys that the types of some version do not have, and why they stand there all the same."""

_SCRIPT: Final = """
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
register_default_plugins()
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        print(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(json.load(file))))
"""


def main() -> int:
    """Read and write all boards with each release, and write the table if nothing is lost unexplained."""
    found = {grafana: sorted(_lost(release)) for grafana, release in RELEASES.items()}
    unexplained = sorted({key for keys in found.values() for key in keys} - KNOWN.keys())
    for key in unexplained:
        where = ", ".join(grafana for grafana, keys in found.items() if key in keys)
        print(f"{key} is unknown to Grafana {where}")  # noqa: T201 -- a command
    if not unexplained:
        FILE.write_text(_table(found), encoding="utf-8")
    return 1 if unexplained else 0


def _lost(release: str) -> set[str]:
    """Return the keys that do not come back when the boards are read into the types and written again."""
    paths = sorted(BOARDS.glob("*.json"))
    with tempfile.TemporaryDirectory() as place:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place]
        subprocess.run([*pip, f"grafana-foundation-sdk=={release}"], check=True)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _SCRIPT, *map(str, paths)],
            env={"PYTHONPATH": place},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    lost: set[str] = set()
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        lost |= set(_keys(json.loads(path.read_text(encoding="utf-8")))) - set(_keys(json.loads(line)))
    return lost


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}"
            yield from _keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, path)


def _table(found: dict[str, list[str]]) -> str:
    rows = {name: ", ".join(f"`{key}`" for key in keys) or "none" for name, keys in found.items()}
    lines = [
        "# The boards in Grafana's own types",
        "",
        "Written by `python -m tests.boards.grafana`. Each board was read into the types that Grafana",
        "publishes for a version and written again; a key that does not come back is unknown there.",
        "Nothing was drawn by a Grafana.",
        "",
        "| Grafana | keys that its types do not have |",
        "| --- | --- |",
        *(f"| {grafana} | {keys} |" for grafana, keys in rows.items()),
        "",
        *(f"- `{key}`: {KNOWN[key]}." for key in sorted({key for keys in found.values() for key in keys})),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
