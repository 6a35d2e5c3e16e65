"""Ways from a board to the log lines and traces behind it, for who has Loki or Tempo."""

import json
from typing import Final
from urllib.parse import quote

from observekit.dashboards.board import Link, Variable
from observekit.semconv import SERVICE_NAME, label

_LOKI: Final = "loki_datasource"
_TEMPO: Final = "tempo_datasource"
_TRACE: Final = "trace_id"

# Grafana puts its variables in before it reads the address, so these signs have to stay.
_LEFT: Final = "${}:"


def sources() -> tuple[Variable, ...]:
    """Return the choice of where logs and traces are, and a field for the id of a trace."""
    return (
        Variable(name=_LOKI, title="Loki data source", query="loki", kind="datasource"),
        Variable(name=_TEMPO, title="Tempo data source", query="tempo", kind="datasource"),
        Variable(name=_TRACE, title="Trace id", query="", kind="textbox"),
    )


def ways() -> tuple[Link, ...]:
    """Return the links: what failed of the chosen services, and one trace with its log lines."""
    service = label(SERVICE_NAME)
    return (
        Link(
            title="Errors in the logs",
            tooltip="Log records of level error and critical of the chosen services, in Loki.",
            url=_logs(f'{{{service}=~"${{job:regex}}"}} | json | level=~"error|critical"'),
        ),
        Link(
            title="Failed traces",
            tooltip="Traces of the chosen services in which something failed, in Tempo.",
            url=_traces(f'{{resource.{SERVICE_NAME}=~"${{job:regex}}" && status=error}}'),
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
