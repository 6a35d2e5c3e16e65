"""Rule files of Prometheus and PrometheusRule manifests: every expression in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from observekit.dashboards.check.expressions import complaints, labels_of
from observekit.dashboards.check.vocabulary import Known, Vocabulary, merged
from observekit.errors import ConfigError


def rules_of(document: object) -> list[Mapping[str, Any]]:
    """Return the rules of a rule file or of a manifest.

    Raises:
        ConfigError: If it is neither.
    """
    spec = document.get("spec", document) if isinstance(document, Mapping) else None
    groups = spec.get("groups") if isinstance(spec, Mapping) else None
    if not isinstance(groups, list):
        raise ConfigError("it is neither a rule file nor a PrometheusRule, which have groups.")
    return [rule for group in groups for rule in _rules(group)]


def _rules(group: object) -> list[Mapping[str, Any]]:
    rules = group.get("rules") or [] if isinstance(group, Mapping) else None
    if not isinstance(rules, list) or not all(_is_rule(rule) for rule in rules):
        raise ConfigError(
            "its groups must be mappings whose rules are a list of mappings, each with an expr, the text of "
            "its name in record or alert, and labels, if any, as a mapping."
        )
    return rules


def _is_rule(rule: object) -> bool:
    return (
        isinstance(rule, Mapping)
        and "expr" in rule
        and isinstance(rule.get("record", rule.get("alert")), str)
        and isinstance(rule.get("labels") or {}, Mapping)
    )


def with_recorded(rules: Iterable[Mapping[str, Any]], vocabulary: Vocabulary) -> dict[str, Known]:
    """Return *vocabulary* and what *rules* record; a rule may read what stands before it."""
    known = dict(vocabulary)
    for rule in rules:
        if "record" in rule:
            labels = labels_of(str(rule.get("expr", "")), known)
            named = None if labels is None else labels | set(rule.get("labels") or ())
            known = merged([known, {rule["record"]: Known(named, {}, None)}])
    return known


def rule_complaints(rules: Iterable[Mapping[str, Any]], vocabulary: Vocabulary) -> Iterator[str]:
    """Yield everything that is wrong with the expressions of *rules*, each with its name."""
    for rule in rules:
        where = f"alert {rule['alert']!r}" if "alert" in rule else f"record {rule.get('record')!r}"
        for complaint in complaints(str(rule.get("expr", "")), vocabulary):
            yield f"{where}: {complaint}"
