"""What is set of health endpoints and checks."""

from dataclasses import dataclass
from typing import Literal

from observekit.catalogue.health import LIVENESS, READINESS, STARTUP
from observekit.config.kinds import FLAG, OPTIONAL_TEXT, PATH, choice, count, number
from observekit.config.setting import setting


@dataclass(frozen=True, kw_only=True)
class HealthSettings:
    """Settings of health."""

    __slots__ = ()

    health: bool = setting(True, FLAG, "OBSERVEKIT_HEALTH", help="Whether the health endpoints answer.")
    liveness_path: str | None = setting(
        LIVENESS.path, PATH, "OBSERVEKIT_LIVENESS_PATH", help="Where the liveness probe asks."
    )
    readiness_path: str | None = setting(
        READINESS.path, PATH, "OBSERVEKIT_READINESS_PATH", help="Where the readiness probe asks."
    )
    startup_path: str | None = setting(
        STARTUP.path, PATH, "OBSERVEKIT_STARTUP_PATH", help="Where the start-up probe asks."
    )
    # Source of the next two: the kubelet waits 1 s for a probe unless told otherwise.
    check_timeout_seconds: float = setting(
        0.8, number(0, 60, above=True), "OBSERVEKIT_CHECK_TIMEOUT", help="Time one health check may take."
    )
    probe_timeout_seconds: float = setting(
        0.9,
        number(0, 60, above=True),
        "OBSERVEKIT_PROBE_TIMEOUT",
        help="Time all checks of a probe may take.",
    )
    check_cache_seconds: float = setting(
        # Source: published advice is 2 to 5 s, which keeps a herd of probes away from a dependency.
        2.0,
        number(0, 3600),
        "OBSERVEKIT_CHECK_CACHE",
        help="How long the result of a check is reused, and the least time between two runs of it; with 0 "
        "each probe runs the checks, and nothing is remembered.",
    )
    check_fail_after: int = setting(
        # Source: one lost packet is no outage; probes ask three times themselves before they act.
        2,
        count(1, 100),
        "OBSERVEKIT_CHECK_FAIL_AFTER",
        help="So many failures in a row make a check that passed fail.",
    )
    check_pass_after: int = setting(
        # Source: what comes and goes is not back with its first answer.
        2,
        count(1, 100),
        "OBSERVEKIT_CHECK_PASS_AFTER",
        help="So many passes in a row make a check that failed pass; more where it keeps failing again.",
    )
    liveness_stall_seconds: float = setting(
        # Source: no client waits for so long, and what holds a loop has mostly ended before; a restart
        # costs more than that.
        30.0,
        number(0, 3600),
        "OBSERVEKIT_LIVENESS_STALL",
        help="How long the event loop may stand still before liveness fails on the ops port, more where it "
        "has recovered from long stalls before; with 0 it never does.",
    )
    readiness_workers: Literal["own", "any", "all", "quorum"] = setting(
        "own",
        choice("own", "any", "all", "quorum"),
        "OBSERVEKIT_READINESS_WORKERS",
        help="Whose readiness a worker tells where there are several: its own, or that of the service, which "
        "is ready when any of them is, when all are, or when more than half are.",
    )
    drain_delay_seconds: float = setting(
        # Source: kube-proxy and ingress controllers follow a readiness within a few seconds.
        5.0,
        number(0, 3600),
        "OBSERVEKIT_DRAIN_DELAY",
        help="How long a service that drains serves on, until nobody sends it requests any more.",
    )
    drain_timeout_seconds: float = setting(
        # Source: with the delay and the budget of the end, below the 30 s that Kubernetes gives a pod.
        15.0,
        number(0, 86400),
        "OBSERVEKIT_DRAIN_TIMEOUT",
        help="How long after the delay requests in flight may take to end.",
    )
    heartbeat_file: str | None = setting(
        None,
        OPTIONAL_TEXT,
        "OBSERVEKIT_HEARTBEAT_FILE",
        help="A file that keeps saying how the process is, for observekit probe where there is no port.",
    )
    management: bool = setting(
        False,
        FLAG,
        "OBSERVEKIT_MANAGEMENT",
        help="Whether a process that is no worker, and was not started by observekit run, has a socket that "
        "observekit drain and observekit probe find.",
    )
