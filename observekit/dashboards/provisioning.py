"""Configuration files for Grafana and Prometheus, to be copied and edited by a person."""

from string import Template
from typing import Final

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.dashboards.scope import ROUTE
from observekit.semconv import HTTP_ROUTE

_DASHBOARDS: Final = """\
# Grafana reads this file from its folder provisioning/dashboards.
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
apiVersion: 1
providers:
  - name: observekit
    type: file
    folder: observekit
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      # Where the folder dashboards beside this one was copied to.
      path: /var/lib/grafana/dashboards/observekit
"""

# Grafana replaces $NAME by the environment when it reads provisioning files; $$ stands for one $.
_DATA_SOURCES: Final = Template("""\
# Grafana reads this file from its folder provisioning/datasources.
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
# The boards need Prometheus alone. Delete Loki and Tempo, and what points to them, if you do not run them.
apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://127.0.0.1:9090
    isDefault: true
    jsonData:
      httpMethod: POST
      # Must be the scrape interval of Prometheus: Grafana computes the windows of all rates from it.
      timeInterval: $scrape_interval
      # A dot in a duration panel opens the trace of that request.
      exemplarTraceIdDestinations:
        - name: trace_id
          datasourceUid: tempo
  - name: Loki
    uid: loki
    type: loki
    access: proxy
    url: http://127.0.0.1:3100
    jsonData:
      # A log record opens the trace it belongs to.
      derivedFields:
        - name: trace_id
          matcherRegex: '"trace_id":\\s*"(\\w+)"'
          datasourceUid: tempo
          url: '$$$${__value.raw}'
  - name: Tempo
    uid: tempo
    type: tempo
    access: proxy
    url: http://127.0.0.1:3200
    jsonData:
      # A span opens the log records of its trace, and the rate of its route.
      tracesToLogsV2:
        datasourceUid: loki
        spanStartTimeShift: -5m
        spanEndTimeShift: 5m
        filterByTraceID: true
        tags:
          - key: service.name
            value: service_name
      tracesToMetrics:
        datasourceUid: prometheus
        tags:
          - key: $route_attribute
            value: $route_label
        queries:
          - name: Requests per second
            query: 'sum(rate(${requests}{$$$$__tags}[5m]))'
""")

_PROMETHEUS: Final = Template("""\
# An example to start from: `prometheus --config.file=prometheus.yml`.
# Written by `observekit dashboards`; the next run writes it again, so edit a copy.
global:
  # The boards are made for this interval: `observekit dashboards --scrape-interval`.
  scrape_interval: $scrape_interval
scrape_configs:
  # One job for each service; its name is the choice Job at the top of the boards.
  - job_name: service
    metrics_path: /metrics
    # The format that carries exemplars, the links from a duration to its trace, is asked for by Prometheus
    # itself; to keep them, start it with --enable-feature=exemplar-storage.
    static_configs:
      # Where the instances of the service show their metrics, one entry for each.
      - targets:
          - 127.0.0.1:8000
""")


def dashboards_yaml() -> str:
    """Return the file that tells Grafana where the boards lie."""
    return _DASHBOARDS


def data_sources_yaml(scrape_interval: str) -> str:
    """Return the file that tells Grafana where metrics, logs and traces are, and how they are linked."""
    return _DATA_SOURCES.substitute(
        scrape_interval=scrape_interval,
        route_attribute=HTTP_ROUTE,
        route_label=ROUTE,
        requests=f"{REQUEST_DURATION.name}_count",
    )


def prometheus_yaml(scrape_interval: str) -> str:
    """Return an example configuration with which Prometheus scrapes a service."""
    return _PROMETHEUS.substitute(scrape_interval=scrape_interval)
