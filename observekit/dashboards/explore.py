"""Ways from a board to the log lines and traces behind it, for who has Loki or Tempo."""

import json
from typing import Final
from urllib.parse import quote

from observekit.catalogue.metrics import TARGET_INFO
from observekit.dashboards.board import Link, Variable
from observekit.dashboards.promql import label_values
from observekit.dashboards.scope import CHOSEN
from observekit.dashboards.series import samples
from observekit.semconv import SERVICE_NAME, label

_LOKI: Final = "loki_datasource"
_TEMPO: Final = "tempo_datasource"
_TRACE: Final = "trace_id"
_SERVICE: Final = "service"
# A dot is left as it is, so that the address holds no backslash, which would have to be doubled in JSON.
_ANY_OF_THEM: Final = f"${{{_SERVICE}:pipe}}"

# Grafana puts its variables in before it reads the address, so these signs have to stay.
_LEFT: Final = "${}:"


def sources() -> tuple[Variable, ...]:
    """Return where logs and traces are, a field for the id of a trace, and who is looked for."""
    name = label(SERVICE_NAME)
    services = label_values(samples(TARGET_INFO, *CHOSEN), name)
    return (
        Variable(name=_LOKI, title="Loki data source", query="loki", kind="datasource"),
        Variable(name=_TEMPO, title="Tempo data source", query="tempo", kind="datasource"),
        Variable(name=_TRACE, title="Trace id", query="", kind="textbox"),
        # Logs and traces know a service by its own name, which need not be that of its job.
        Variable(name=_SERVICE, title="Service name", query=services, hidden=True),
    )


def ways() -> tuple[Link, ...]:
    """Return the links: what failed of the chosen services, and one trace with its log lines."""
    service = label(SERVICE_NAME)
    return (
        Link(
            title="Errors in the logs",
            tooltip="Log records of level error and critical of the chosen services, in Loki.",
            url=_logs(f'{{{service}=~"{_ANY_OF_THEM}"}} | json | level=~"error|critical"'),
        ),
        Link(
            title="Failed traces",
            tooltip="Traces of the chosen services in which something failed, in Tempo.",
            url=_traces(f'{{resource.{SERVICE_NAME}=~"{_ANY_OF_THEM}" && status=error}}'),
        ),
        Link(
            title="Log lines of the trace",
            tooltip="All log lines with the trace id that stands at the top, in Loki.",
            url=_logs(f'{{{service}=~".+"}} |= "${{{_TRACE}}}"'),
        ),
        Link(
            title="The trace",
            tooltip="The trace whose id stands at the top, in Tempo.",
            url=_traces(f"${{{_TRACE}}}"),
        ),
    )


def _logs(expression: str) -> str:
    return _explore(_LOKI, {"expr": expression, "queryType": "range"})


def _traces(query: str) -> str:
    return _explore(_TEMPO, {"query": query, "queryType": "traceql"})


def _explore(source: str, query: dict[str, str]) -> str:
    uid = f"${{{source}}}"
    kind = source.removesuffix("_datasource")
    pane = {
        "datasource": uid,
        "queries": [{"datasource": {"type": kind, "uid": uid}, "refId": "A", **query}],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = quote(json.dumps({"a": pane}, separators=(",", ":")), safe=_LEFT)
    return f"/explore?schemaVersion=1&panes={panes}"
