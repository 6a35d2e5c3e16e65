"""What a /metrics page says about requests: counts, errors and quantiles of each route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, nan
from typing import NamedTuple, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from observekit.catalogue.metrics import LIFECYCLE_STATE, REQUEST_DURATION
from observekit.semconv import HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, label

_METHOD, _ROUTE, _STATUS = label(HTTP_REQUEST_METHOD), label(HTTP_ROUTE), label(HTTP_RESPONSE_STATUS_CODE)

Key = TypeVar("Key")


class Endpoint(NamedTuple):
    """A method and a route template."""

    method: str
    route: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The duration histogram of an endpoint, summed over statuses.

    ``buckets`` are cumulative, by upper bound in seconds; ``statuses`` are requests by status.
    """

    buckets: Mapping[float, float] = field(default_factory=dict)
    statuses: Mapping[str, float] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """How many there were."""
        return sum(self.statuses.values())

    def share(self, hundred: str) -> float:
        """Return the part of requests, from 0 to 1, whose status begins with *hundred*; NaN of none."""
        matching = sum(number for status, number in self.statuses.items() if status.startswith(hundred))
        return matching / self.requests if self.requests else nan

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(_added(self.buckets, other.buckets), _added(self.statuses, other.statuses))

    def __sub__(self, before: "Counts") -> "Counts":
        return self + Counts(_negative(before.buckets), _negative(before.statuses))


@dataclass(frozen=True, slots=True)
class Page:
    """What is used of a /metrics page: requests by endpoint, and the state of the life cycle."""

    endpoints: Mapping[Endpoint, Counts]
    state: str

    def total(self) -> Counts:
        """Return the requests of all endpoints together."""
        return sum(self.endpoints.values(), start=Counts())

    def since(self, before: "Page") -> "Page":
        """Return what came in after the page *before*."""
        nothing = Counts()
        endpoints = {
            endpoint: counts - before.endpoints.get(endpoint, nothing)
            for endpoint, counts in self.endpoints.items()
        }
        return Page(endpoints, self.state)


def read(text: str) -> Page:
    """Read a page in the text format."""
    endpoints: dict[Endpoint, Counts] = {}
    state = "unknown"
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == LIFECYCLE_STATE.name and sample.value == 1:
                state = sample.labels["state"]
            elif family.name == REQUEST_DURATION.name:
                endpoint = Endpoint(sample.labels[_METHOD], sample.labels[_ROUTE])
                counts = _counts(sample.name, sample.labels, sample.value)
                endpoints[endpoint] = endpoints.get(endpoint, Counts()) + counts
    return Page(endpoints, state)


def quantile(wanted: float, buckets: Mapping[float, float]) -> float:
    """Return the *wanted* quantile in seconds as histogram_quantile() of Prometheus does; NaN of nothing.

    Within its bucket it is interpolated; beyond the last finite bound it is that bound.
    """
    rising = [(0.0, 0.0), *sorted(buckets.items())]
    rank = wanted * rising[-1][1]
    if rank <= 0:
        return nan
    for (below, before), (bound, reached) in pairwise(rising):
        if reached >= rank:
            share = (rank - before) / (reached - before)
            return below if bound == inf else below + (bound - below) * share
    return nan


def _counts(name: str, labels: Mapping[str, str], value: float) -> Counts:
    if name.endswith("_bucket"):
        return Counts(buckets={float(labels["le"]): value})
    if name.endswith("_count"):
        return Counts(statuses={labels[_STATUS]: value})
    return Counts()


def _added(one: Mapping[Key, float], other: Mapping[Key, float]) -> Mapping[Key, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in {**one, **other}}


def _negative(values: Mapping[Key, float]) -> Mapping[Key, float]:
    return {key: -value for key, value in values.items()}
