"""Secrets: whatever holds one, right or wrong, nothing that is printed does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.config import Config, load
from observekit.config.env import table
from observekit.config.masked import bare_url
from observekit.errors import ConfigError

CANARY = "s3cret"
HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
HEADER_TEXTS = (
    "api-key=s3cret",
    "authorization=Bearer%20s3cret",
    "s3cret=",
    "s3cret==",
    "s3cret",
    "api-key: s3cret",
    "=s3cret",
    "api-key=s3cret%0d%0a",
    "api key=s3cret",
    "api-key=%ffs3cret",
)
URL_TEXTS = (
    "http://user:s3cret@localhost:4318",
    "https://s3cret@localhost/otlp",
    "http://localhost:4318/?token=s3cret",
    "http://localhost:4318/#s3cret",
    "http://localhost:4318/tenant/s3cret",
    "http://user:1/s3cret@localhost",
    "http://user:s3cret/2@localhost",
    "http://user:s3cret@localhost:99999",
    "http://user:s3cret@localhost:0",
    "grpc://user:s3cret@localhost",
    "user:s3cret@localhost:4318",
    "http://localhost:s3cret",
    "http://[s3cret",
    "http://localhost s3cret",
    "s3cret",
    "s3cret://",
)
_ANY_PRINTABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def _everything_told(environ: dict[str, str]) -> str:
    effective = load(environ)
    with pytest.raises(ConfigError) as told:
        load(environ | {"OBSERVEKIT_STRICT": "1", "OBSERVEKIT_LOGS": "wrong"})
    return "\n".join(map(repr, (effective, table(effective), told.value)))


@pytest.mark.parametrize("variable", HEADERS)
@pytest.mark.parametrize("text", HEADER_TEXTS)
def test_nothing_of_a_header_is_told(variable: str, text: str) -> None:
    told = _everything_told({variable: text})

    assert CANARY not in told


@pytest.mark.parametrize("variable", ENDPOINTS)
@pytest.mark.parametrize("text", URL_TEXTS)
def test_nothing_secret_of_a_url_is_told(variable: str, text: str) -> None:
    told = _everything_told({variable: text})

    assert CANARY not in told


@pytest.mark.parametrize("text", ["s3cret", " s3cret\n", "Bearer s3cret", "s3cret\udcff"])
def test_nothing_of_a_token_is_told(text: str) -> None:
    told = _everything_told({"OBSERVEKIT_METRICS_TOKEN": text})

    assert CANARY not in told
    assert "metrics_token='[redacted]'" in told


@settings(deadline=None)
@given(st.sampled_from(HEADERS), _ANY_PRINTABLE, _ANY_PRINTABLE)
def test_a_secret_anywhere_in_headers_is_not_told(variable: str, before: str, after: str) -> None:
    told = _everything_told({variable: f"{before}{CANARY}{after}"})

    assert CANARY not in told


@settings(deadline=None)
@given(
    st.sampled_from(ENDPOINTS),
    st.sampled_from(["http://", "https://", "grpc://", "//", ""]),
    st.text(st.characters(exclude_characters="\0@?#", exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["localhost", "localhost:4318/a", "localhost:port", "[::1]", "[::", ""]),
)
def test_a_password_in_a_url_is_not_told(variable: str, scheme: str, before: str, host: str) -> None:
    told = _everything_told({variable: f"{scheme}{before}:{CANARY}@{host}"})

    assert CANARY not in told


@pytest.mark.parametrize("url", URL_TEXTS)
def test_a_wrong_argument_does_not_tell_a_secret_either(url: str) -> None:
    with pytest.raises(ConfigError) as told:
        Config(traces_endpoint=url, traces_headers={"api-key": CANARY}, log_level="loud")

    assert CANARY not in str(told.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, None),
        ("http://localhost:4318", "http://localhost:4318"),
        ("http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces"),
        ("https://user:s3cret@a.example.org/otlp/v1/traces?x=1#y", "https://a.example.org/otlp/v1/traces"),
        ("https://a.example.org/api/v2/otlp/v1/traces", "https://a.example.org/api/[redacted]/v1/traces"),
        ("https://a.example.org/api/v2", "https://a.example.org/api/[redacted]"),
        ("http://u:p@[::1]:4318/", "http://[::1]:4318"),
        ("http://a/v1/traces/more", "http://a/v1/[redacted]"),
        ("localhost:4317", "localhost:4317"),
        ("grpc://collector:4317", "grpc://collector:4317"),
        ("http://user:1/2@host", "[redacted]"),
        ("token:1234", "[redacted]"),
        (b"http://localhost", "[redacted]"),
    ],
)
def test_a_url_is_shown_as_far_as_it_leads_somewhere(url: object, shown: object) -> None:
    assert bare_url(url) == shown
