"""Conditions of alerts that Prometheus would answer with nothing cannot be built."""

import pytest

from observekit.dashboards.conditions import beyond, difference
from observekit.dashboards.promql import Vector
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.requests import requests
from observekit.dashboards.series import Matcher, spellings
from observekit.errors import CatalogueError

_BY_JOB = Vector("sum by (job) (up)", frozenset({"job"}))
_BY_NOTHING = Vector("sum(up)", frozenset())


@pytest.mark.parametrize(("build", "sign"), [(beyond, ">"), (difference, "-")])
def test_sides_with_other_labels_would_never_meet(build: object, sign: str) -> None:
    assert callable(build)

    with pytest.raises(CatalogueError) as told:
        build(_BY_JOB, _BY_NOTHING)

    assert str(told.value) == (
        f"sum by (job) (up) {sign} sum(up): the sides have different labels; group both by the same."
    )


def test_what_is_recorded_has_no_other_labels() -> None:
    recording = requests(Parameters()).recordings[-1]

    with pytest.raises(CatalogueError, match="'route' is not a label here; there are "):
        recording.read(Matcher("route", "=", "/"))


@pytest.mark.parametrize(
    ("bound", "written"),
    [
        (0.25, ("0.25",)),
        (1, ("1", "1.0")),
        (250_000, ("250000", "250000.0")),
        (2_500_000, ("2.5e+06", "2500000", "2500000.0")),
        (float("inf"), ("+Inf",)),
    ],
)
def test_a_bound_is_spelled_as_clients_and_servers_do(bound: float, written: tuple[str, ...]) -> None:
    assert spellings(bound) == written
