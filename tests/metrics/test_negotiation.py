"""Every scraper gets a format it can read, whatever its Accept header says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from observekit.metrics.negotiation import TEXT, negotiate

# What Prometheus 2.42 sends, and 3.4 with its defaults.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_TEXT = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def _chosen(accept: str) -> tuple[str, bool]:
    """Return the content type, and whether the page ends as OpenMetrics does."""
    registry = CollectorRegistry()
    Counter("jobs", "Jobs.", registry=registry)
    encode, content_type, *_ = negotiate(accept)
    return content_type, encode(registry).endswith(b"# EOF\n")


@pytest.mark.parametrize("accept", [PROMETHEUS_2, PROMETHEUS_3, "application/openmetrics-text"])
def test_who_prefers_openmetrics_gets_it(accept: str) -> None:
    content_type, ends = _chosen(accept)

    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert ends


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/plain",
        "text/*",
        "text/plain;version=0.0.4",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        "text/plain, application/openmetrics-text;version=1.0.0;q=0.9",
        "*/*;q=0.5, application/openmetrics-text;version=1.0.0;q=0.1",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=1.x",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=9.9.9; charset=\r\nx-evil: 1",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=seven",
        "application/openmetrics-text;q=7",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        "\xff\xfe;;;===,,,;q=;version",
        ",".join(["text/html"] * 7000),
        "application/json" * 4096 + ",application/openmetrics-text;version=1.0.0",
    ],
)
def test_everybody_else_gets_plain_text(accept: str) -> None:
    assert _chosen(accept) == (TEXT, False)


def test_the_text_of_prometheus_3_keeps_names_in_utf_8_where_the_client_library_can() -> None:
    content_type, ends = _chosen(PROMETHEUS_3_TEXT)

    assert content_type in {"text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8", TEXT}
    assert not ends


_PIECES = st.sampled_from(
    [
        "application/openmetrics-text",
        "text/plain",
        "*/*",
        ";",
        ",",
        "=",
        "version",
        "1.0.0",
        "q",
        "0.5",
        "escaping",
    ]
)


@given(st.lists(_PIECES | st.text(st.characters(max_codepoint=255), max_size=8)).map("".join))
def test_no_header_makes_the_choice_fail_or_comes_back_in_the_answer(accept: str) -> None:
    content_type, ends = _chosen(accept)

    assert content_type.partition("; escaping=")[0] in {
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "text/plain; version=0.0.4; charset=utf-8",
        "text/plain; version=1.0.0; charset=utf-8",
    }
    assert ends == content_type.startswith("application/openmetrics-text")
