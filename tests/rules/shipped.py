"""The rules as they are shipped, read from the committed file alone."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "grafana" / "rules" / "observekit.yaml"


@cache
def groups() -> list[Json]:
    """Return the groups as Prometheus reads them; nobody changes what this gives."""
    found: list[Json] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    return found


def rules() -> Iterator[Json]:
    """Return all rules."""
    for group in groups():
        yield from group["rules"]


def alerts() -> list[Json]:
    """Return all alerts."""
    return [rule for rule in rules() if "alert" in rule]


def key(alert: Json) -> str:
    """Return what tells an alert from the others: its name, objective and long window."""
    labels = alert["labels"]
    return ".".join(filter(None, (alert["alert"], labels.get("slo"), labels.get("long_window"))))


def needed(alert: Json) -> list[Json]:
    """Return what has to be recorded for *alert*, in the order of the file, and the alert itself."""
    recorded = [rule for rule in rules() if "record" in rule]
    wanted: set[int] = set()

    def want(rule: Json) -> None:
        for name, objective in re.findall(r'(\w+(?::\w+)+)(?:{slo="([^"]+)")?', rule["expr"]):
            for index, other in enumerate(recorded):
                same = other.get("labels", {}).get("slo", "") == objective
                if other["record"] == name and same and index not in wanted:
                    wanted.add(index)
                    want(other)

    want(alert)
    return [*(recorded[index] for index in sorted(wanted)), alert]


def selectors(node: promql.Expr) -> Iterator[promql.VectorSelector]:
    """Return every selector below *node*."""
    match node:
        case promql.VectorSelector():
            yield node
        case promql.MatrixSelector():
            yield node.vector_selector
        case promql.BinaryExpr():
            yield from selectors(node.lhs)
            yield from selectors(node.rhs)
        case promql.Call():
            for argument in node.args:
                yield from selectors(argument)
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from selectors(node.expr)
