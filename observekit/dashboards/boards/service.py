"""The service board: one service, from "is it fine" down to what its processes use."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import instance, job, route
from observekit.dashboards.deployments import deployments
from observekit.dashboards.explore import sources, ways
from observekit.dashboards.rows.dependencies import dependencies
from observekit.dashboards.rows.glance import glance
from observekit.dashboards.rows.latency import latency
from observekit.dashboards.rows.process import process
from observekit.dashboards.rows.requests import requests
from observekit.dashboards.rows.routes import routes
from observekit.dashboards.rows.versions import versions
from observekit.dashboards.rows.websockets import websockets
from observekit.dashboards.rows.work import work


def service() -> Board:
    """Build the board of one service."""
    return Board(
        uid="observekit-service",
        title="Service",
        description="Requests of a service by route, what it calls, and what its processes use.",
        variables=(job(), instance(), route(), *sources()),
        annotations=(deployments(),),
        rows=(
            glance(),
            requests(),
            latency(),
            routes(),
            versions(),
            websockets(),
            work(),
            dependencies(),
            process(),
        ),
        links=ways(),
    )
