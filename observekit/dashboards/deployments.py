"""Deployments as vertical lines on a board."""

from observekit.catalogue.process import PROCESS_START_TIME
from observekit.dashboards.board import Annotation
from observekit.dashboards.promql import joined, min_by, now, scaled
from observekit.dashboards.scope import HERE, IDENTITY
from observekit.dashboards.series import samples
from observekit.semconv import SERVICE_NAME, SERVICE_VERSION, label

_MILLISECONDS = 1000


def deployments() -> Annotation:
    """Mark the start of the first instance of each version that runs."""
    who = (label(SERVICE_NAME), label(SERVICE_VERSION))
    started = joined(now(samples(PROCESS_START_TIME, *HERE)), IDENTITY, *who)
    return Annotation(
        name="Deployments",
        query=scaled(_MILLISECONDS, min_by(started, *who)),
        title=" ".join(f"{{{{{name}}}}}" for name in who),
        text="The first instance of this version that still runs was started.",
        tags=who,
    )
