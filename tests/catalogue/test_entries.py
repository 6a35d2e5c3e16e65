"""What stands in the catalogue agrees with itself."""

from observekit.catalogue import EVENTS, METRICS, PROBES, SPANS
from observekit.catalogue.metrics import METHODS
from observekit.config import Config
from observekit.semconv import KNOWN_METHODS, OTHER_METHOD


def test_no_entry_is_listed_under_another_name() -> None:
    for listed in (METRICS, EVENTS, SPANS, PROBES):
        assert [spec.name for spec in listed.values()] == list(listed)


def test_a_method_is_a_known_one_or_other() -> None:
    assert set(METHODS) == KNOWN_METHODS | {OTHER_METHOD}


def test_every_label_of_methods_has_the_same_closed_set() -> None:
    specs = [spec for spec in METRICS.values() if "http_request_method" in spec.labels]

    assert {spec.values.get("http_request_method") for spec in specs} == {METHODS}


def test_the_probes_are_asked_where_the_config_says() -> None:
    config = Config()

    assert {name: probe.path for name, probe in PROBES.items()} == {
        "liveness": config.liveness_path,
        "readiness": config.readiness_path,
        "startup": config.startup_path,
    }
