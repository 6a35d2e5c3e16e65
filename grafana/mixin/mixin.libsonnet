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
    'observekit-fleet.json': import '../dashboards/observekit-fleet.json',
    'observekit-service.json': import '../dashboards/observekit-service.json',
    'observekit-slo.json': import '../dashboards/observekit-slo.json',
    'observekit-health.json': import '../dashboards/observekit-health.json',
    'observekit-runtime.json': import '../dashboards/observekit-runtime.json',
    'observekit-telemetry.json': import '../dashboards/observekit-telemetry.json',
  },
  prometheusAlerts+:: only('alert'),
  prometheusRules+:: only('record'),
}
