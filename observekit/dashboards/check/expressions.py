"""One expression: whether it parses, and whether what it names is there; with Prometheus' own grammar."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import promql_parser as promql

from observekit.dashboards.check.vocabulary import Known, Vocabulary, may_stand_on
from observekit.dashboards.series import bound_matcher, spellings

_RATES: Final = frozenset({"rate", "irate", "increase", "resets"})
_OF_GAUGES: Final = frozenset(
    {"changes", "deriv", "delta", "idelta", "predict_linear", "avg_over_time", "min_over_time"}
)
_OF_BOTH: Final = frozenset(
    {"present_over_time", "absent_over_time", "count_over_time", "absent", "timestamp"}
)
_MAKE_LABELS: Final = frozenset({"label_replace", "label_join", "absent", "vector"})
_MATCHES: Final = {"=": False, "=~": True}
_BY_GRAFANA: Final = re.compile(r"\$|\[\[")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?(e\+[0-9]+)?")


def complaints(expression: str, vocabulary: Vocabulary) -> list[str]:
    """Return everything that is wrong with *expression*, once each."""
    try:
        tree = promql.parse(expression)
    except ValueError as error:
        return [f"is no PromQL: {error}"]
    return list(dict.fromkeys(_of_node(tree, vocabulary, "")))


def labels_of(expression: str, vocabulary: Vocabulary) -> set[str] | None:
    """Return the labels of what *expression* gives, ``None`` where that cannot be told."""
    try:
        found = _labels(promql.parse(expression), vocabulary)
    except ValueError:
        return None
    return None if found is None else set(found)


def _of_node(node: promql.Expr, vocabulary: Vocabulary, function: str) -> Iterator[str]:
    if isinstance(node, promql.VectorSelector):
        yield from _of_selector(node, vocabulary, function)
    if isinstance(node, promql.AggregateExpr):
        yield from _of_grouping(node, vocabulary)
    for child, around in _children(node, function):
        yield from _of_node(child, vocabulary, around)


def _children(node: promql.Expr, function: str) -> Iterator[tuple[promql.Expr, str]]:
    """Yield what is directly below *node*, and the function that it is an argument of."""
    match node:
        case promql.MatrixSelector():
            yield node.vector_selector, function
        case promql.ParenExpr():
            yield node.expr, function
        case promql.BinaryExpr():
            yield from ((node.lhs, ""), (node.rhs, ""))
        case promql.Call():
            yield from ((argument, node.func.name) for argument in node.args)
        case promql.AggregateExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield node.expr, ""


def _of_selector(selector: promql.VectorSelector, vocabulary: Vocabulary, function: str) -> Iterator[str]:
    name = _name(selector)
    if name is None:
        return
    known = vocabulary.get(name)
    if known is None:
        yield f"there is no metric {name}{_nearest(name, vocabulary)}"
        return
    yield from _of_kind(name, known, function)
    for matcher in selector.matchers.matchers:
        yield from _of_matcher(name, known, matcher)
        yield from _of_bound(name, matcher)


def _of_kind(name: str, known: Known, function: str) -> Iterator[str]:
    if function in _OF_BOTH or known.cumulative is None:
        return
    if function in _RATES and not known.cumulative:
        yield f"{function}() of {name}, which is no counter"
    elif function in _OF_GAUGES and known.cumulative:
        yield f"{function}() of {name}, which only ever rises until a restart"
    elif not function and known.cumulative:
        yield f"{name} only ever rises until a restart; it wants rate() or increase()"


def _of_matcher(name: str, known: Known, matcher: promql.Matcher) -> Iterator[str]:
    if matcher.name == "__name__":
        return
    if not may_stand_on(matcher.name, known):
        yield f"{name} has no label {matcher.name}{_nearest(matcher.name, known.labels or ())}"
        return
    values = known.values.get(matcher.name)
    operator = {"Equal": "=", "Re": "=~"}.get(str(matcher.op).rpartition(".")[2], "")
    # An empty value asks for the absence of the label, and what a board chooses is known to Grafana alone.
    if values is None or operator not in _MATCHES or not matcher.value or _BY_GRAFANA.search(matcher.value):
        return
    pattern = matcher.value if _MATCHES[operator] else re.escape(matcher.value)
    if not any(_fits(pattern, value) for value in values):
        yield f"{name}: no value of {matcher.name} is {matcher.value!r}{_nearest(matcher.value, values)}"


def _of_bound(name: str, matcher: promql.Matcher) -> Iterator[str]:
    """Demand all spellings of a bound: what one Prometheus stores as 1 another one has as 1.0."""
    if matcher.name != "le" or not name.endswith("_bucket"):
        return
    operator = str(matcher.op).rpartition(".")[2]
    given = {"Equal": [matcher.value], "Re": matcher.value.replace("\\+", "+").split("|")}.get(operator, [])
    for bound in given:
        wanted = spellings(float(bound)) if _NUMBER.fullmatch(bound) else (bound,)
        if missing := [each for each in wanted if each not in given]:
            yield (
                f"{name}: le {matcher.value!r} misses the spelling {missing[0]}, by which a bucket is stored "
                f"depending on client and server; write {bound_matcher(float(bound))}"
            )
            return


def _of_grouping(node: promql.AggregateExpr, vocabulary: Vocabulary) -> Iterator[str]:
    below = _labels(node.expr, vocabulary)
    if node.modifier is None or below is None or "By" not in str(node.modifier.type):
        return
    known = Known(labels=set(below))
    for label in node.modifier.labels:
        if not may_stand_on(label, known):
            yield f"grouping by {label}, which nothing below it has"


def _labels(node: promql.Expr, vocabulary: Vocabulary) -> frozenset[str] | None:
    """Return the labels that the result may have, ``None`` where that cannot be told."""
    match node:
        case promql.VectorSelector():
            known = vocabulary.get(_name(node) or "")
            return None if known is None or known.labels is None else frozenset(known.labels)
        case promql.AggregateExpr():
            return _aggregated(node, vocabulary)
        case promql.BinaryExpr():
            return _labels(node.lhs, vocabulary) if isinstance(node.rhs, promql.NumberLiteral) else None
        case promql.Call() if node.func.name in _MAKE_LABELS or not node.args:
            return None
    *_, (last, _) = ((node, ""), *_children(node, ""))
    return None if last is node else _labels(last, vocabulary)


def _aggregated(node: promql.AggregateExpr, vocabulary: Vocabulary) -> frozenset[str] | None:
    if str(node.op) in {"topk", "bottomk"} or (node.modifier and "By" not in str(node.modifier.type)):
        return _labels(node.expr, vocabulary)
    return frozenset(node.modifier.labels) if node.modifier else frozenset()


def _name(selector: promql.VectorSelector) -> str | None:
    if selector.name:
        return str(selector.name)
    named = [each for each in selector.matchers.matchers if each.name == "__name__"]
    return named[0].value if named and str(named[0].op).endswith("Equal") else None


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # RE2 knows other things than Python; who parses it has said that it is fine.


def _nearest(name: str, among: "Vocabulary | set[str] | tuple[()]") -> str:
    close = get_close_matches(name, list(among), 1)
    return f"; did you mean {close[0]}?" if close else ""
