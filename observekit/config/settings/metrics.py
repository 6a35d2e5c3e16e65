"""What is set of metrics, and of the ports they are read on."""

from dataclasses import dataclass

from observekit.config.hosts import ADDRESS, PORT, TRUST
from observekit.config.kinds import DIRECTORY, FLAG, PATH, SECRET, choice, count, parse_true
from observekit.config.setting import setting, turned_off


@dataclass(frozen=True, kw_only=True)
class MetricsSettings:
    """Settings of metrics and of the ops port."""

    __slots__ = ()

    metrics: bool = setting(True, FLAG, "OBSERVEKIT_METRICS", help="Whether requests are measured.")
    metrics_path: str | None = setting(
        "/metrics", PATH, "OBSERVEKIT_METRICS_PATH", help="Where Prometheus scrapes."
    )
    body_sizes: bool = setting(
        False,
        FLAG,
        "OBSERVEKIT_BODY_SIZES",
        help="Whether sizes of HTTP bodies are measured.",
    )
    metrics_token: str | None = setting(
        None,
        SECRET,
        "OBSERVEKIT_METRICS_TOKEN",
        help="Bearer token that a scrape must bring, on every port; who brings it is also shown the names of "
        "health checks.",
    )
    metrics_allow: tuple[str, ...] = setting(
        ("always",),
        TRUST,
        "OBSERVEKIT_METRICS_ALLOW",
        help="Who may scrape the application's port: always, private (loopback, private and link-local "
        "peers, nothing forwarded), never, or networks. The ops port is not concerned.",
        closed=("never",),
    )
    ops_port: int | None = setting(
        None,
        PORT,
        "OBSERVEKIT_OPS_PORT",
        help="Port on which the metrics page and the health endpoints answer too, from a thread of their "
        "own: also while the event loop is stuck. 0 takes a free one.",
    )
    ops_host: str = setting(
        # Nothing that strangers can reach unless somebody asks for it.
        "127.0.0.1",
        ADDRESS,
        "OBSERVEKIT_OPS_HOST",
        help="Address of the ops port; in a container 0.0.0.0, or :: for IPv6 too.",
    )
    worker_directory: str | None = setting(
        None,
        DIRECTORY,
        "OBSERVEKIT_WORKER_DIRECTORY",
        help="Where several worker processes of the service share what they count; unless given the first "
        "that can be used of the runtime directory, /dev/shm and the temporary directory. One process alone "
        "needs none.",
    )
    runtime: bool = setting(
        True,
        FLAG,
        "OBSERVEKIT_RUNTIME",
        help="Whether the event loop is watched, and what the kernel says of limits and waiting is shown.",
    )
    series_limit: int = setting(
        # Source: room for 100 routes x 4 methods x 5 status codes in one family.
        2000,
        count(10, 1_000_000),
        "OBSERVEKIT_SERIES_LIMIT",
        help="Series a metric family may have before further label values become _overflow.",
    )
    otel_metrics: bool = setting(
        True,
        FLAG,
        turned_off("OTEL_SDK_DISABLED", parse_true),
        "OBSERVEKIT_OTEL_METRICS",
        help="Whether metrics made through OpenTelemetry's API are on the metrics page.",
    )
    otel_exemplar_filter: str = setting(
        "trace_based",
        choice("trace_based", "always_on", "always_off"),
        "OTEL_METRICS_EXEMPLAR_FILTER",
        help="Which measurements of those metrics may become exemplars.",
    )
