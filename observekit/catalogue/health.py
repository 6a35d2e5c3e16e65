"""The health endpoints and what each of them asks."""

from typing import Final

from observekit.catalogue.specs import ProbeSpec, catalogue

LIVENESS: Final = ProbeSpec(
    name="liveness",
    path="/livez",
    help="Would a restart help this process? Never asks a dependency.",
    fails_when="a liveness check fails, the life cycle is broken, or the event loop is stuck for long",
)
READINESS: Final = ProbeSpec(
    name="readiness",
    path="/readyz",
    help="Should this instance get traffic now?",
    fails_when="the life cycle is not ready, start-up is not over, maintenance is on, a required check "
    "fails, or the event loop is stuck",
)
STARTUP: Final = ProbeSpec(
    name="startup",
    path="/startupz",
    help="Has this process finished starting?",
    fails_when="the life cycle is starting or broken, a start-up task is at work or has failed, or a "
    "start-up check has not passed yet",
)

PROBES: Final = catalogue((LIVENESS, READINESS, STARTUP))
"""All probes by name."""
