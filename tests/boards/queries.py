"""Every query of every board, read from the committed JSON and with its variables replaced."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as promql

from tests.boards.missing import REHEARSED
from tests.rules.shipped import selectors

BOARDS = Path(__file__).parents[2] / "grafana" / "dashboards"

_ANY_JOB = 'job=~".+"'
_OF_THE_SHOP = f'{_ANY_JOB},job!="missing"'
_CHOSEN = {
    "__rate_interval": "15s",
    "__range": "1m",
    "job": ".+",
    "instance": ".+",
    "route": ".*",
    "slo": ".+",
    "worker": ".*",
}


@dataclass(frozen=True)
class Query:
    """One query as it is asked for."""

    board: str
    panel: str
    expression: str

    @property
    def rehearsed(self) -> bool:
        """Whether it asks for something that the shop does not show, and the page of the catalogue does."""
        return any(named in self.expression for named in REHEARSED)

    @property
    def wanted(self) -> str:
        """The query as it must be answered: by the shop alone, unless it is one that is rehearsed."""
        return self.expression if self.rehearsed else self.expression.replace(_ANY_JOB, _OF_THE_SHOP)

    def selectors(self) -> list[str]:
        """Return what it selects, each as a query of its own."""
        found = selectors(promql.parse(self.wanted))
        return sorted({each.prettify().split(" @")[0].split(" offset")[0] for each in found})


def asked(text: str) -> str:
    """Return *text* as Grafana would send it with All chosen everywhere."""
    return re.sub(r"\$(\w+)", lambda name: _CHOSEN[name[1]], text)


def queries() -> Iterator[Query]:
    """Return the queries of all panels and annotations."""
    for path in sorted(BOARDS.glob("*.json")):
        board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield Query(board["uid"], panel["title"], asked(target["expr"]))
        for annotation in board["annotations"]["list"][1:]:
            yield Query(board["uid"], f"annotation {annotation['name']}", asked(annotation["expr"]))
