"""Config alone: frozen, valid or not made, and every mistake told at once."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from observekit.config import Config
from observekit.errors import ConfigError

_PATH_RULE = (
    "must be a path like '/metrics', of letters, digits, '-', '.', '_' and '~' between slashes, with none at "
    "its end ('off' in the environment, None in code, turns the endpoint off)"
)
_PAIRS_RULE = "must be pairs of texts in UTF-8, like 'key=value,other=value' (in code a mapping)"
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


def test_the_defaults_are_these() -> None:
    config = Config()

    assert {one.name: getattr(config, one.name) for one in fields(config)} == {
        "enabled": True,
        "service_name": "unknown_service:python",
        "service_namespace": None,
        "service_version": None,
        "service_instance_id": None,
        "deployment_environment": None,
        "revision": None,
        "resource_attributes": {},
        "metrics": True,
        "metrics_path": "/metrics",
        "metrics_token": None,
        "metrics_allow": ("always",),
        "ops_port": None,
        "ops_host": "127.0.0.1",
        "worker_directory": None,
        "runtime": True,
        "body_sizes": False,
        "series_limit": 2000,
        "otel_metrics": True,
        "otel_exemplar_filter": "trace_based",
        "logs": "own",
        "log_format": "auto",
        "log_colors": "auto",
        "log_level": "info",
        "log_levels": {},
        "otel_log_level": None,
        "log_limits": {},
        "log_sampling": {},
        "log_flight_recorder": None,
        "log_slow_seconds": 2.5,
        "logs_exporter": "none",
        "logs_endpoint": None,
        "logs_headers": {},
        "log_buffer_bytes": 4194304,
        "redaction_keys": (),
        "redaction_allow": (),
        "traces": True,
        "traces_endpoint": None,
        "traces_protocol": "http/protobuf",
        "traces_headers": {},
        "traces_compression": "none",
        "traces_certificate": None,
        "traces_client_certificate": None,
        "traces_client_key": None,
        "traces_exporter": "otlp",
        "traces_timeout_seconds": 10.0,
        "traces_sampler": "parentbased_always_on",
        "traces_sample_ratio": 1.0,
        "keep_errors": False,
        "keep_slow_seconds": None,
        "propagators": ("tracecontext", "baggage"),
        "trust_incoming": ("private",),
        "trusted_proxies": (),
        "propagate_to": ("always",),
        "trust_outgoing": ("internal",),
        "disabled_instrumentations": (),
        "trace_response": True,
        "server_timing": False,
        "span_attribute_limit": 128,
        "span_attribute_length_limit": 1024,
        "event_attribute_length_limit": 16384,
        "span_event_limit": 128,
        "span_link_limit": 128,
        "event_attribute_limit": 128,
        "link_attribute_limit": 128,
        "span_queue_size": 65_536,
        "span_queue_bytes": 16 * 1024 * 1024,
        "span_batch_size": 512,
        "span_delay_seconds": 5.0,
        "span_export_timeout_seconds": 30.0,
        "health": True,
        "liveness_path": "/livez",
        "readiness_path": "/readyz",
        "startup_path": "/startupz",
        "check_timeout_seconds": 0.8,
        "probe_timeout_seconds": 0.9,
        "check_cache_seconds": 2.0,
        "check_fail_after": 2,
        "check_pass_after": 2,
        "liveness_stall_seconds": 30.0,
        "readiness_workers": "own",
        "drain_delay_seconds": 5.0,
        "drain_timeout_seconds": 15.0,
        "heartbeat_file": None,
        "management": False,
        "shutdown_budget_seconds": 5.0,
    }


def test_no_field_can_be_changed_after_it_is_made() -> None:
    config = Config()

    with pytest.raises(FrozenInstanceError):
        config.metrics = False  # type: ignore[misc]  # the attempt is what is tested


def test_a_mapping_that_was_given_cannot_be_changed_through_the_config_or_behind_it() -> None:
    given = {"team": "shop"}
    config = Config(resource_attributes=given)

    given["team"] = "other"
    with pytest.raises(TypeError):
        config.resource_attributes["team"] = "other"  # type: ignore[index]  # the attempt is what is tested

    assert config.resource_attributes == {"team": "shop"}


_WITH_PAIRS = Config(
    service_name="orders", resource_attributes={"team": "shop"}, traces_headers={"api-key": "s3cret"}
)


def _pickled(config: Config) -> Config:
    again: Config = pickle.loads(pickle.dumps(config))  # noqa: S301 -- our own bytes
    return again


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, replace, _pickled])
def test_a_config_that_is_copied_or_pickled_is_the_same_and_as_unchangeable(
    again: Callable[[Config], Config],
) -> None:
    other = again(_WITH_PAIRS)

    assert (other, hash(other), repr(other)) == (_WITH_PAIRS, hash(_WITH_PAIRS), repr(_WITH_PAIRS))
    with pytest.raises(FrozenInstanceError):
        other.metrics = False  # type: ignore[misc]  # the attempt is what is tested
    with pytest.raises(TypeError):
        other.traces_headers["api-key"] = "other"  # type: ignore[index]  # the attempt is what is tested


def test_a_config_comes_to_a_process_that_is_spawned() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as spawned:
        told = spawned.submit(repr, _WITH_PAIRS).result(30)

    assert told == repr(_WITH_PAIRS)


def test_equal_configs_have_one_hash_whatever_the_order_of_their_pairs() -> None:
    one = Config(resource_attributes={"a": "1", "b": "2"})
    same = Config(resource_attributes={"b": "2", "a": "1"})
    other = Config(resource_attributes={"a": "1", "b": "3"})

    assert {one: "known"}.get(same) == "known"
    assert len({one, same, other, Config()}) == 3


def test_a_varied_config_is_validated_again() -> None:
    config = Config()

    with pytest.raises(ConfigError) as told:
        replace(config, log_level="loud")

    assert str(told.value) == (
        "log_level is 'loud', but must be one of debug, info, warning, error, critical."
    )


def test_every_mistake_is_told_at_once() -> None:
    told = _refusal(
        metrics="yes",
        service_name="  ",
        service_version="",
        series_limit=True,
        traces_sample_ratio=1.5,
        check_cache_seconds=-1,
        traces_protocol="http/json",
        metrics_path="metrics",
        traces_endpoint="localhost:4318",
        propagators=("b4",),
        trust_incoming="private",
        resource_attributes={1: "one"},
    )

    assert told.splitlines() == [
        "service_name is '  ', but must be a text in UTF-8 that is not empty.",
        "service_version is '', but must be a text in UTF-8 that is not empty, or None.",
        f"resource_attributes is {{1: 'one'}}, but {_PAIRS_RULE}.",
        "metrics is 'yes', but must be true or false.",
        f"metrics_path is 'metrics', but {_PATH_RULE}.",
        "series_limit is True, but must be a whole number from 10 to 1000000.",
        f"traces_endpoint is 'localhost:4318', but {_URL_RULE}.",
        "traces_protocol is 'http/json', but must be one of http/protobuf, grpc.",
        "traces_sample_ratio is 1.5, but must be a number from 0 to 1, like 0.1.",
        f"propagators is ('b4',), but {_PROPAGATORS_RULE}.",
        f"trust_incoming is 'private', but {_TRUST_RULE}.",
        "check_cache_seconds is -1, but must be a number from 0 to 3600.",
    ]


def test_settings_that_contradict_each_other_are_told_with_both_names() -> None:
    told = _refusal(
        span_batch_size=100_000,
        span_queue_size=10,
        check_timeout_seconds=2,
        liveness_path="/health",
        readiness_path="/health",
        startup_path="/metrics",
    )

    assert told.splitlines() == [
        "span_batch_size is 100000, but must not be over span_queue_size, which is 10.",
        "check_timeout_seconds is 2, but must not be over probe_timeout_seconds, which is 0.9.",
        "readiness_path is '/health', but liveness_path is the same; each needs its own.",
        "startup_path is '/metrics', but metrics_path is the same; each needs its own.",
    ]


def test_endpoints_that_are_off_do_not_share_a_path() -> None:
    config = Config(metrics_path=None, liveness_path=None)

    assert (config.metrics_path, config.liveness_path) == (None, None)
