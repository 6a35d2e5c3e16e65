"""Kinds of values: what is taken, what is refused, and what the refusal says."""

import pytest

from observekit.config import Config
from observekit.errors import ConfigError

_PATH_RULE = (
    "must be a path like '/metrics', of letters, digits, '-', '.', '_' and '~' between slashes, with none at "
    "its end ('off' in the environment, None in code, turns the endpoint off)"
)
_PAIRS_RULE = "must be pairs of texts in UTF-8, like 'key=value,other=value' (in code a mapping)"
_HEADERS_RULE = "must be HTTP headers, like 'api-key=value,other=value' (in code a mapping)"
_PROPAGATORS_RULE = (
    "must name installed propagators, like 'tracecontext,baggage' (in code a tuple of texts): those two, b3 "
    "and b3multi are built in, others come in packages like opentelemetry-propagator-jaeger"
)
_TRUST_RULE = (
    "must be private, always or never alone, or networks like '10.0.0.0/8,fd00::/8' (in code a tuple of "
    "texts)"
)
_URL_RULE = "must be an http or https URL, like 'http://localhost:4318'"


def _refusal(**arguments: object) -> str:
    with pytest.raises(ConfigError) as told:
        Config(**arguments)  # type: ignore[arg-type]  # wrong types are what is tested
    return str(told.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, True, "1", None, 301])
def test_what_is_no_number_within_the_bounds_is_refused(number: object) -> None:
    told = _refusal(traces_timeout_seconds=number)

    # 10**400 is over 200 characters long.
    value = repr(number) if len(repr(number)) <= 200 else f"{repr(number)[:200]}..."
    assert told == f"traces_timeout_seconds is {value}, but must be a number above 0 and at most 300."


@pytest.mark.parametrize("number", [1.0, b"128", 0, 10_001, None, True])
def test_what_is_no_whole_number_within_the_bounds_is_refused(number: object) -> None:
    told = _refusal(span_attribute_limit=number)

    assert told == f"span_attribute_limit is {number!r}, but must be a whole number from 1 to 10000."


def test_a_number_too_large_to_be_written_is_refused_all_the_same() -> None:
    told = _refusal(series_limit=10**5000)

    assert told == "series_limit is <int>, but must be a whole number from 10 to 1000000."


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "metrics",
        "/metrics/",
        "//metrics",
        "/a b",
        "/a?b",
        "/a#b",
        "/{id}",
        "/..",
        "/a/./b",
        "/a\n",
        "/ü",
    ],
)
def test_a_path_that_no_request_could_have_as_written_is_refused(path: str) -> None:
    told = _refusal(metrics_path=path)

    assert told == f"metrics_path is {path!r}, but {_PATH_RULE}."


@pytest.mark.parametrize("path", ["/m", "/internal/metrics", "/.well-known/metrics", "/a.b/c_d~e-1", "/..."])
def test_a_plain_path_is_taken(path: str) -> None:
    config = Config(metrics_path=path)

    assert config.metrics_path == path


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4318",
        "https://otel.example.org/otlp/v1/traces",
        "HTTP://localhost",
        "http://[::1]:4318/v1/traces",
        "http://user:password@localhost:4318/?token=1",
    ],
)
def test_an_http_url_is_taken_as_it_is(url: str) -> None:
    config = Config(traces_endpoint=url)

    assert config.traces_endpoint == url


@pytest.mark.parametrize("url", ["http://localhost:99999", "http://localhost:0", "grpc://localhost:4317"])
def test_a_url_that_cannot_be_reached_over_http_is_refused(url: str) -> None:
    told = _refusal(traces_endpoint=url)

    assert told == f"traces_endpoint is {url!r}, but {_URL_RULE}."


@pytest.mark.parametrize(
    "url",
    ["", "http://", "http://[::1", "http://a b", "http://a\nb", "http://a:port", "//a", b"http://a", 4318],
)
def test_a_url_of_no_known_shape_is_refused_without_being_shown(url: object) -> None:
    told = _refusal(traces_endpoint=url)

    assert told == f"traces_endpoint is '[redacted]', but {_URL_RULE}."


@pytest.mark.parametrize(
    "headers",
    [
        {"api key": "s3cret"},
        {"api-key": "s3cret\r\nx-injected: 1"},
        {"": "s3cret"},
        {b"api-key": b"s3cret"},
        {"api-key": "s3cret\u20ac"},
        {"api-key": 3},
        ["s3cret"],
        "api-key=s3cret",
    ],
)
def test_headers_that_cannot_be_sent_are_refused_without_being_shown(headers: object) -> None:
    told = _refusal(traces_headers=headers)

    assert told == f"traces_headers is '[redacted]', but {_HEADERS_RULE}."


@pytest.mark.parametrize("text", ["", " \t", b"shop", 1, None, "shop\udcff"])
def test_a_service_name_that_is_no_text_is_refused(text: object) -> None:
    told = _refusal(service_name=text)

    assert told == f"service_name is {text!r}, but must be a text in UTF-8 that is not empty."


@pytest.mark.parametrize("pairs", [{"a": 1}, {b"a": "b"}, {"": "b"}, {"a": "\udcff"}, [("a", "b")], None])
def test_resource_attributes_that_are_no_pairs_of_texts_are_refused(pairs: object) -> None:
    told = _refusal(resource_attributes=pairs)

    assert told == f"resource_attributes is {pairs!r}, but {_PAIRS_RULE}."


@pytest.mark.parametrize(
    "trust", [("private",), ("always",), ("never",), ("10.0.0.0/8", "fd00::/8"), ("::1",)]
)
def test_trust_is_one_word_or_networks(trust: tuple[str, ...]) -> None:
    config = Config(trust_incoming=trust)

    assert config.trust_incoming == trust


@pytest.mark.parametrize(
    "trust", [(), ("private", "never"), ("private", "10.0.0.0/8"), ("10.0.0.1/8",), (1,), ([],)]
)
def test_trust_of_anything_else_is_refused(trust: object) -> None:
    told = _refusal(trust_incoming=trust)

    assert told == f"trust_incoming is {trust!r}, but {_TRUST_RULE}."


@pytest.mark.parametrize("propagators", [(), ([],), ("tracecontext", 1), ["tracecontext"], "baggage"])
def test_propagators_that_are_no_tuple_of_names_are_refused(propagators: object) -> None:
    told = _refusal(propagators=propagators)

    assert told == f"propagators is {propagators!r}, but {_PROPAGATORS_RULE}."


def test_a_long_wrong_value_is_cut() -> None:
    told = _refusal(log_level="x" * 1000)

    assert told == f"log_level is '{'x' * 199}..., but must be one of debug, info, warning, error, critical."


@pytest.mark.parametrize("port", [None, 0, 9000, 65535])
def test_an_ops_port_is_a_port_or_none(port: int | None) -> None:
    assert Config(ops_port=port).ops_port == port


@pytest.mark.parametrize("port", [-1, 65536, "9000", True, 1.0])
def test_what_is_no_port_is_refused(port: object) -> None:
    told = _refusal(ops_port=port)

    assert told == (
        f"ops_port is {port!r}, but must be a whole number from 0 to 65535, 0 for any free port "
        "('off' in the environment, None in code, for none)."
    )


@pytest.mark.parametrize("host", ["localhost", "", "10.0.0.0/8", "[::1]", None, 1])
def test_what_is_no_address_is_refused(host: object) -> None:
    told = _refusal(ops_host=host)

    assert told == (
        f"ops_host is {host!r}, but must be an IP address of this host, like '127.0.0.1', or '0.0.0.0' or "
        "'::' for all of them."
    )


@pytest.mark.parametrize("token", ["", " \t", 1, b"s3cret"])
def test_a_token_that_is_no_text_is_refused_without_being_shown(token: object) -> None:
    told = _refusal(metrics_token=token)

    assert told == "metrics_token is '[redacted]', but must be a text that is not empty, or None."
