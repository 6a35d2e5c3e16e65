"""A rule that cannot be is refused where it is written down, with everything that is wrong with it."""

import pytest

from observekit.dashboards.promql import Vector
from observekit.dashboards.rules.model import Alert, Recording
from observekit.errors import CatalogueError

CONDITION = Vector("jobs_total > 1", frozenset({"queue"}))


def test_everything_that_is_wrong_with_an_alert_is_told_at_once() -> None:
    with pytest.raises(CatalogueError) as told:
        Alert(
            name="jobs_stuck",
            severity="warning",
            condition=CONDITION,
            pending="5m",
            summary="Jobs of {{ $labels.queue }} are stuck",
            finding="In {{ $labels.region }} nothing moves.",
            checks=("The queue.", "The workers", "The log."),
            impact="Mails are late.",
            remedy="Restart the workers.",
        )

    assert str(told.value) == (
        "alert 'jobs_stuck': the name must be words in CamelCase; "
        "summary must be sentences that end in a full stop; "
        "each check must be a sentence that ends in a full stop; "
        "the summary must be the same each time; "
        "'region' is not a label here; there are queue."
    )


@pytest.mark.parametrize("name", ["jobs", "Jobs:total", "jobs:total:rate5m:sum", "jobs::rate5m"])
def test_a_recorded_series_is_named_by_level_metric_and_operations(name: str) -> None:
    with pytest.raises(CatalogueError) as told:
        Recording(name=name, query=CONDITION)

    assert str(told.value) == f"rule {name!r}: the name must be level:metric:operations."
