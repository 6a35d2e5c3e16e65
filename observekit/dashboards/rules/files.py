"""All rules as files: for Prometheus itself, and for its operator on Kubernetes."""

import re
from collections.abc import Mapping
from typing import Final

from observekit.dashboards.rules.alerts import alert_groups
from observekit.dashboards.rules.budget import budget
from observekit.dashboards.rules.known import known
from observekit.dashboards.rules.model import PREFIX, Alert, Group
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.requests import requests
from observekit.dashboards.yaml import yaml
from observekit.errors import ConfigError

_HEAD: Final = """\
# Written by `observekit rules`; the next run writes it again, so change its options and not this file.
# Load it with rule_files in prometheus.yml. What each alert means and what to do is in the runbook.
"""
_KUBERNETES_HEAD: Final = """\
# Written by `observekit rules`; the next run writes it again, so change its options and not this file.
# For the operator of Prometheus: kubectl apply -f with this file
"""
_LABEL: Final = re.compile(r"{{ \$labels\.(\w+) }}")
# Letters by their places, as jsonnet takes one of two backslashes away when it reads YAML.
_MARKUP: Final = "[^a-zA-Z0-9\u00c0-\u1ffc\u3041-\ud7a3 _.,:/@=%+{}-]"
"""Everything but what names are made of."""

_CHOSEN_BY: Final = ("job", "instance")
"""Variables of a board that an alert can choose, because its labels have them."""


def groups(given: Parameters) -> tuple[Group, ...]:
    """Build all rules.

    Raises:
        ConfigError: If *given* names alerts or severities that do not exist.
    """
    made = (
        known(given),
        requests(given),
        *(group for objective in given.objectives for group in budget(objective, given)),
        *alert_groups(given),
    )
    _refuse_unknown(made, given)
    return made


def rule_files(given: Parameters) -> dict[str, str]:
    """Return the text of each file by its path below the output directory."""
    written = [_group(group, given) for group in groups(given)]
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"{given.name}-rules", "labels": {"app.kubernetes.io/part-of": "observekit"}},
        "spec": {"groups": written},
    }
    return {
        f"rules/{given.name}.yaml": _HEAD + yaml({"groups": written}),
        f"kubernetes/{given.name}-rules.yaml": _KUBERNETES_HEAD + yaml(manifest),
    }


def severity(alert: Alert, given: Parameters) -> str:
    """Return the label's value that *given* asks for."""
    return given.severities.get(alert.name, given.severities.get(alert.severity, alert.severity))


def _group(group: Group, given: Parameters) -> dict[str, object]:
    alerts = [_alert(each, given) for each in group.alerts if each.name not in given.without]
    return {
        "name": group.name,
        "interval": group.interval,
        "rules": [*(each.json() for each in group.recordings), *alerts],
    }


def _alert(alert: Alert, given: Parameters) -> dict[str, object]:
    keep = {"keep_firing_for": alert.keep_firing} if alert.keep_firing else {}
    return {
        "alert": f"{PREFIX}{alert.name}",
        "expr": alert.condition.text,
        "for": alert.pending,
        **keep,
        "labels": {"severity": severity(alert, given), **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "description": _harmless(alert.description),
            "runbook_url": f"{given.runbook_url}#{alert.name.lower()}",
            "dashboard_url": f"{given.grafana_url.rstrip('/')}/d/{alert.board}?{_choice(alert)}",
        },
    }


def _harmless(text: str) -> str:
    # Who is scraped chooses the values of labels, and what shows an alert may take them for markup.
    return _LABEL.sub(lambda found: f'{{{{ $labels.{found[1]} | reReplaceAll "{_MARKUP}" "?" }}}}', text)


def _choice(alert: Alert) -> str:
    # The template of Prometheus, which is written out when the alert fires.
    chosen = [
        f"var-{name}={{{{ $labels.{name} | urlquery }}}}"
        for name in _CHOSEN_BY
        if name in alert.condition.labels
    ]
    if "slo" in alert.condition.labels:
        chosen.append("var-slo={{ $labels.slo | urlquery }}")
    return "&".join(chosen)


def _refuse_unknown(made: tuple[Group, ...], given: Parameters) -> None:
    alerts = [alert for group in made for alert in group.alerts]
    names = {alert.name for alert in alerts}
    known: Mapping[str, set[str]] = {
        "without": names,
        "severity": names | {alert.severity for alert in alerts},
    }
    asked = {"without": set(given.without), "severity": set(given.severities)}
    told = [
        f"{option} names {name!r}, but there are {', '.join(sorted(known[option]))}."
        for option, wanted in asked.items()
        for name in sorted(wanted - known[option])
    ]
    if told:
        raise ConfigError(" ".join(told))
