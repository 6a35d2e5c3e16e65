"""Numbers from a /metrics page: counts, differences, quantiles."""

from math import inf, isnan

import pytest

from observekit.cli.demo.scrape import Counts, Endpoint, Page, quantile, read
from observekit.cli.demo.words import duration, rate, share

_PAGE = """\
# HELP http_server_request_duration_seconds Time.
# TYPE http_server_request_duration_seconds histogram
{lines}
# HELP observekit_lifecycle_state Where the process is in its life.
# TYPE observekit_lifecycle_state gauge
observekit_lifecycle_state{{state="starting"}} 0.0
observekit_lifecycle_state{{state="ready"}} 1.0
"""


def _page(*series: tuple[str, str, int, int]) -> str:
    """Return a page with series of route, status, requests up to 0.1 s, and all requests."""
    return _PAGE.format(lines="\n".join(_series(*one) for one in series))


def _series(route: str, status: str, fast: int, number: int) -> str:
    labels = f'http_request_method="GET",http_route="{route}",http_response_status_code="{status}"'
    name = "http_server_request_duration_seconds"
    return (
        f'{name}_bucket{{{labels},le="0.1"}} {fast}\n{name}_bucket{{{labels},le="+Inf"}} {number}\n'
        f"{name}_count{{{labels}}} {number}\n{name}_sum{{{labels}}} 1.0"
    )


def test_the_statuses_of_an_endpoint_are_one_histogram() -> None:
    page = read(_page(("/a", "200", 6, 8), ("/a", "500", 1, 2), ("/b", "200", 1, 1)))

    assert page == Page(
        {
            Endpoint("GET", "/a"): Counts({0.1: 7, inf: 10}, {"200": 8, "500": 2}),
            Endpoint("GET", "/b"): Counts({0.1: 1, inf: 1}, {"200": 1}),
        },
        "ready",
    )
    assert page.total() == Counts({0.1: 8, inf: 11}, {"200": 9, "500": 2})


def test_what_came_in_since_counts_new_routes_from_nothing() -> None:
    before, after = read(_page(("/a", "200", 6, 8))), read(_page(("/a", "200", 7, 9), ("/b", "404", 1, 1)))

    assert after.since(before).endpoints == {
        Endpoint("GET", "/a"): Counts({0.1: 1, inf: 1}, {"200": 1}),
        Endpoint("GET", "/b"): Counts({0.1: 1, inf: 1}, {"404": 1}),
    }


def test_a_page_without_requests_has_no_endpoints() -> None:
    assert read(_page()) == Page({}, "ready")


def test_the_share_of_nothing_is_not_a_number() -> None:
    assert Counts(statuses={"200": 6, "404": 1, "500": 1}).share("5") == 0.125
    assert isnan(Counts().share("5"))


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        (0.2, 0.1),  # The end of the first bucket.
        (0.1, 0.05),  # Half of it.
        (0.5, 0.175),  # 10 of 20 in the bucket from 0.1 to 0.2 with 4 to 12: three quarters.
        (0.95, 0.2),  # Beyond the last finite bound.
    ],
)
def test_a_quantile_is_what_prometheus_says(wanted: float, seconds: float) -> None:
    assert quantile(wanted, {0.1: 4, 0.2: 12, inf: 20}) == pytest.approx(seconds)


def test_an_empty_bucket_in_the_middle_is_stepped_over() -> None:
    assert quantile(0.5, {0.1: 0, 0.2: 0, 0.4: 2, inf: 2}) == pytest.approx(0.3)


def test_a_quantile_of_nothing_is_not_a_number() -> None:
    assert isnan(quantile(0.5, {}))
    assert isnan(quantile(0.5, {0.1: 0, inf: 0}))


def test_numbers_are_written_as_people_read_them() -> None:
    assert [duration(one) for one in (0.0048, 0.31, 1.25, float("nan"))] == [
        "4.8 ms",
        "310 ms",
        "1.25 s",
        "-",
    ]
    assert [share(one) for one in (0.0, 0.033, 0.125, 1.0, float("nan"))] == [
        "-",
        "3.3 %",
        "12 %",
        "100 %",
        "-",
    ]
    assert [rate(number, 10) for number in (0, 3, 152)] == ["-", "0.3/s", "15.2/s"]
