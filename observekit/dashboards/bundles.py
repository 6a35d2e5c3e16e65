"""The same boards for whoever does not copy files: on Kubernetes, in a mixin, and who is called when."""

from collections.abc import Mapping
from string import Template
from typing import Final

from observekit.dashboards.yaml import yaml

_HEAD: Final = """\
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
# For the sidecar of Grafana's Helm chart, which looks for the label grafana_dashboard.
"""
_MIXIN: Final = Template("""\
// A mixin, for jsonnet-bundler, mixtool and Tanka. Written by `observekit dashboards`; the rules it reads are
// written into the same directory by `observekit rules`.
local groups = std.parseYaml(importstr '../rules/observekit.yaml').groups;
local only(kind) = {
  groups: [
    group { rules: std.filter(function(rule) std.objectHas(rule, kind), group.rules) }
    for group in groups
    if std.length(std.filter(function(rule) std.objectHas(rule, kind), group.rules)) > 0
  ],
};
{
  grafanaDashboards+:: {
$boards  },
  prometheusAlerts+:: only('alert'),
  prometheusRules+:: only('record'),
}
""")
_ALERTMANAGER: Final = """\
# An example to start from: `alertmanager --config.file=alertmanager.yml`.
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
route:
  receiver: day
  # One message for one service and what is wrong with it, not one for each instance.
  group_by: [alertname, cluster, namespace, job, slo]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - matchers: [severity="critical"]
      receiver: night
    # For who is looking already: on the boards, and in no message.
    - matchers: [severity="info"]
      receiver: nobody
inhibit_rules:
  # What burns fast burns slowly too.
  - source_matchers: [alertname="ObservekitErrorBudgetBurn", severity="critical"]
    target_matchers: [alertname="ObservekitErrorBudgetBurn", severity="warning"]
    equal: [cluster, namespace, job, slo]
  # A service that is down needs no word about its instances.
  - source_matchers: [alertname="ObservekitServiceDown"]
    target_matchers: [alertname=~"Observekit.+", alertname!="ObservekitServiceDown"]
    equal: [cluster, namespace, job]
receivers:
  # Put your pager here, and your chat below.
  - name: night
  - name: day
  - name: nobody
"""


def config_maps(boards: Mapping[str, str]) -> str:
    """Return a ConfigMap for each board, whose text is given by its uid."""
    return _HEAD + "---\n".join(
        yaml(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": uid,
                    "labels": {"grafana_dashboard": "1", "app.kubernetes.io/part-of": "observekit"},
                    "annotations": {"grafana_folder": "observekit"},
                },
                "data": {f"{uid}.json": text},
            }
        )
        for uid, text in boards.items()
    )


def mixin(uids: tuple[str, ...]) -> str:
    """Return the jsonnet that gathers boards and rules."""
    return _MIXIN.substitute(
        boards="".join(f"    '{uid}.json': import '../dashboards/{uid}.json',\n" for uid in uids)
    )


def alertmanager_yaml() -> str:
    """Return an example of who is told of which alert."""
    return _ALERTMANAGER
