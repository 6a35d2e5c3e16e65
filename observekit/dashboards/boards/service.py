"""The service board: one service, from "is it fine" down to "what is missing in the data"."""

from observekit.catalogue.metrics import REQUEST_DURATION, TARGET_INFO
from observekit.catalogue.process import PROCESS_START_TIME
from observekit.dashboards.board import Annotation, Board, Variable
from observekit.dashboards.promql import joined, label_values, min_by, now, scaled
from observekit.dashboards.rows.glance import glance
from observekit.dashboards.rows.health import health
from observekit.dashboards.rows.latency import latency
from observekit.dashboards.rows.losses import losses
from observekit.dashboards.rows.process import process
from observekit.dashboards.rows.requests import requests
from observekit.dashboards.rows.routes import routes
from observekit.dashboards.rows.versions import versions
from observekit.dashboards.rows.websockets import websockets
from observekit.dashboards.rows.work import work
from observekit.dashboards.scope import HERE, IDENTITY, ROUTE
from observekit.dashboards.series import counts, samples
from observekit.semconv import SERVICE_NAME, SERVICE_VERSION, label

_MILLISECONDS = 1000


def service() -> Board:
    """Build the board of one service."""
    return Board(
        uid="observekit-service",
        title="Service",
        description="Requests of a service by route, its health, and what its processes use.",
        variables=_variables(),
        annotations=(_deployments(),),
        rows=(
            glance(),
            requests(),
            latency(),
            routes(),
            versions(),
            websockets(),
            work(),
            health(),
            process(),
            losses(),
        ),
    )


def _variables() -> tuple[Variable, ...]:
    of_job = samples(TARGET_INFO, HERE[0])
    return (
        # Filled from what is there from the first scrape on, before any request.
        Variable(name="job", title="Job", query=label_values(samples(TARGET_INFO), "job"), matches_all=".+"),
        Variable(name="instance", title="Instance", query=label_values(of_job, "instance"), matches_all=".+"),
        Variable(
            name="route",
            title="Route",
            query=label_values(counts(REQUEST_DURATION, *HERE), ROUTE),
            matches_all=".*",
        ),
    )


def _deployments() -> Annotation:
    who = (label(SERVICE_NAME), label(SERVICE_VERSION))
    started = joined(now(samples(PROCESS_START_TIME, *HERE)), IDENTITY, *who)
    return Annotation(
        name="Deployments",
        query=scaled(_MILLISECONDS, min_by(started, *who)),
        title=" ".join(f"{{{{{name}}}}}" for name in who),
        text="The first instance of this version that still runs was started.",
        tags=who,
    )
