"""Rules with one thing wrong: what the stories do not notice, nobody would."""

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_FLIPPED = {">": ("<", ">="), ">=": ("<", ">"), "<": (">", "<="), "<=": (">", "<"), "==": ("!=", ">")}
_COMPARED = re.compile(r"(>=|<=|==|>|<) ([0-9.]+)")
_KEYWORDS = frozenset(
    {
        *("and", "or", "unless", "by", "on", "group_left", "bool", "offset", "sum", "min", "max", "count"),
        *("rate", "increase", "changes", "abs", "timestamp", "time", "clamp_min"),
        *("histogram_quantile", "last_over_time", "present_over_time", "sum_over_time"),
    }
)
_SET_OPERATORS = {"and": ("or", "unless"), "or": ("and",), "unless": ("and",)}
_AGGREGATIONS = {"min": "max", "max": "min"}
_WORD = re.compile(r"[a-z_][a-z0-9_:A-Z]*")
# Added by Prometheus, and absent in the stories as they are in most places.
_NOT_THERE = frozenset({"cluster", "namespace"})


def mutants(alert: Json) -> Iterator[tuple[str, Json]]:
    """Yield what was done to *alert*, and what it has become."""
    for what, expression in of_expression(alert["expr"]):
        yield what, {**alert, "expr": expression}
    for minutes in (0, 10_000):
        yield f"for {minutes}m", {**alert, "for": f"{minutes}m"}
    yield "for twice", {**alert, "for": "1ms" if alert["for"] == "0s" else _doubled(alert["for"])}
    if "keep_firing_for" in alert:
        yield "not kept", {name: value for name, value in alert.items() if name != "keep_firing_for"}
    yield "severity", {**alert, "labels": {**alert["labels"], "severity": "page"}}
    for name in alert["annotations"]:
        left = {other: text for other, text in alert["annotations"].items() if other != name}
        yield f"no {name}", {**alert, "annotations": left}


def of_expression(expression: str) -> Iterator[tuple[str, str]]:
    """Yield what was done to *expression*, and what it has become."""
    quoted = [found.span() for found in re.finditer(r'"[^"]*"', expression)]
    for found in _WORD.finditer(expression):
        if any(start <= found.start() < end for start, end in quoted):
            continue
        if expression[found.start() - 1].isdigit():  # The unit of a duration.
            continue
        yield from _of_word(expression, found)
    for found in _COMPARED.finditer(expression):
        yield from _of_comparison(expression, found)
    for start, end in quoted:
        value = expression[start + 1 : end - 1]
        yield f"value {value}", f'{expression[:start]}"{value}x"{expression[end:]}'


def _of_word(expression: str, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    word = found[0]
    changed = [f"{word}x"] if word not in _KEYWORDS | _NOT_THERE else []
    changed += _SET_OPERATORS.get(word, ())
    changed += [_AGGREGATIONS[word]] if word in _AGGREGATIONS else []
    for new in changed:
        yield f"{word} becomes {new}", f"{expression[: found.start()]}{new}{expression[found.end() :]}"


def _of_comparison(expression: str, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    operator, number = found[1], found[2]
    head, tail = expression[: found.start()], expression[found.end() :]
    if number == "0" and (operator == ">=" or _is_divisor(head)):
        return  # Keeps what is no number out: a division by nothing, a quantile of nothing.
    for other in _FLIPPED[operator]:
        if {operator, other} == {">", ">="} and not number.isdigit():
            continue  # A share that is reckoned from rates does not stand exactly at its limit.
        yield f"{operator} {number} becomes {other}", f"{head}{other} {number}{tail}"
    for factor in (0.5, 2):
        if float(number):
            yield f"{number} times {factor}", f"{head}{operator} {float(number) * factor:g}{tail}"


def _is_divisor(head: str) -> bool:
    """Return whether what *head* ends with stands in a bracket by which something is divided."""
    depth = 0
    for place in range(len(head) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(head[place], 0)
        if depth < 0:
            return head[:place].endswith("/ ")
    return False


def _doubled(duration: str) -> str:
    return f"{int(duration[:-1]) * 2}{duration[-1]}"
