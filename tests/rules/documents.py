"""The example of objectives in OpenSLO, and how to change one thing of it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "slo.yaml"
FIRST, SECOND = yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8"))


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return *document* with *value* at *path*, whose steps have slashes between."""
    made = deepcopy(document)
    *way, last = path.split("/")
    place: Any = made
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return made
