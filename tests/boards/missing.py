"""What the shop has no occasion to show, or this kernel does not say, on a page made from the catalogue."""

import re
from http.server import BaseHTTPRequestHandler
from itertools import count, product

from observekit.catalogue import METRICS, MetricSpec

REHEARSED = (
    # The shop has no WebSockets, jobs and start-up tasks, and loses nothing.
    "websocket_server_active_connections",
    "websocket_server_connection_duration_seconds",
    "websocket_server_messages_total",
    "job_last_success_timestamp_seconds",
    "job_period_seconds",
    "observekit_startup_task_progress_ratio",
    "observekit_collector_errors_total",
    "observekit_samples_rejected_total",
    "observekit_series_overflow_total",
    # The collector fails at times, and at others never.
    'observekit_export_duration_seconds_count{outcome="failed"',
    # Depends on the kernel, and on the limits of the container.
    "process_cgroup_cpu_limit_cores",
    "process_cgroup_memory_limit_bytes",
    "process_pressure_waiting_seconds_total",
    "system_cpu_steal_seconds_total",
)
"""What this page may answer for; a query that has none of them in it has to be answered by the shop."""

# What queries of those set beside them.
_NEIGHBOURS = (
    "process_cgroup_cpu_throttled_seconds_total",
    "process_cgroup_memory_usage_bytes",
    "target_info",
)
_FAMILIES = [
    name
    for name in METRICS
    if name in _NEIGHBOURS or any(re.match(rf"{name}(_count{{|$)", each) for each in REHEARSED)
]


class Missing(BaseHTTPRequestHandler):
    """Answers with one sample of each series, all of which grow."""

    _scrapes = count(1)

    def do_GET(self) -> None:
        """Show the page."""
        number = next(self._scrapes)
        lines = [line for name in _FAMILIES for line in _family(METRICS[name], number)]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write("\n".join([*lines, ""]).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the server's
        """Say nothing."""


def _family(spec: MetricSpec, number: int) -> list[str]:
    found = []
    for values in product(*(spec.values.get(name, (f"a_{name}",))[:2] for name in spec.labels)):
        labels = [f'{name}="{value}"' for name, value in zip(spec.labels, values, strict=True)]
        if spec.kind == "histogram":
            bounds = [*(f'le="{bound}"' for bound in spec.buckets), 'le="+Inf"']
            found += [_line(f"{spec.name}_bucket", [*labels, bound], number) for bound in bounds]
            found += [_line(f"{spec.name}_{part}", labels, number) for part in ("count", "sum")]
        else:
            found.append(_line(spec.name, labels, number if spec.kind == "counter" else 1))
    return found


def _line(name: str, labels: list[str], value: float) -> str:
    return f"{name}{{{','.join(labels)}}} {value}"
