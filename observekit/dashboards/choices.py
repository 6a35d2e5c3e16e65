"""The variables at the top of boards: what is looked at."""

from observekit.catalogue.metrics import REQUEST_DURATION, TARGET_INFO
from observekit.catalogue.saturation import PYTHON_THREADS
from observekit.dashboards.board import Variable
from observekit.dashboards.promql import label_values
from observekit.dashboards.recorded import recorded
from observekit.dashboards.scope import HERE, ROUTE
from observekit.dashboards.series import counts, samples
from observekit.semconv import WORKER


def job() -> Variable:
    """Choose services; filled from what is there from the first scrape on, before any request."""
    return Variable(
        name="job", title="Job", query=label_values(samples(TARGET_INFO), "job"), matches_all=".+"
    )


def instance() -> Variable:
    """Choose processes of the chosen services."""
    of_job = samples(TARGET_INFO, HERE[0])
    return Variable(
        name="instance", title="Instance", query=label_values(of_job, "instance"), matches_all=".+"
    )


def worker() -> Variable:
    """Choose processes of an instance that has several; one alone has no such label."""
    return Variable(
        name="worker",
        title="Worker",
        query=label_values(samples(PYTHON_THREADS, *HERE), WORKER),
        matches_all=".*",
    )


def route() -> Variable:
    """Choose routes that the chosen processes have served."""
    return Variable(
        name="route",
        title="Route",
        query=label_values(counts(REQUEST_DURATION, *HERE), ROUTE),
        matches_all=".*",
    )


def slo() -> Variable:
    """Choose objectives of the chosen services."""
    of_job = recorded("slo:objective:ratio", HERE[0])
    return Variable(name="slo", title="Objective", query=f"label_values({of_job}, slo)", matches_all=".+")
