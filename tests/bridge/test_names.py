"""Names and labels are those of OpenTelemetry's rules for Prometheus."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.metrics.otel.names import Kind, family_name, labels


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.client.request.duration", "s", "histogram", "http_client_request_duration_seconds"),
        ("db.client.connection.count", "{connection}", "gauge", "db_client_connection_count"),
        ("process.cpu.time", "s", "counter", "process_cpu_time_seconds"),
        ("orders", "", "counter", "orders"),
        ("orders_total", "1", "counter", "orders"),
        ("orders.total", "", "counter", "orders"),
        ("wait.seconds", "s", "histogram", "wait_seconds"),
        ("wait.seconds.total", "s", "counter", "wait_seconds"),
        ("seconds", "s", "gauge", "seconds"),
        ("body-size/raw", "By", "histogram", "body_size_raw_bytes"),
        ("heap", "MiBy", "gauge", "heap_mebibytes"),
        ("speed", "m/s", "gauge", "speed_meters_per_second"),
        ("packets", "{packet}/s", "gauge", "packets_per_second"),
        ("battery", "%", "gauge", "battery_percent"),
        ("rooms", "room", "gauge", "rooms_room"),
        ("a..b__c.", "s", "gauge", "a_b_c_seconds"),
        ("2xx", "", "counter", "_2xx"),
        ("größe", "By", "gauge", "gr_e_bytes"),
    ],
)
def test_a_name_is_spelled_with_its_unit_once(name: str, unit: str, kind: Kind, expected: str) -> None:
    assert family_name(name, unit, kind) == expected


@pytest.mark.parametrize(("share", "expected"), [(True, "cpu_utilization_ratio"), (False, "cpu_utilization")])
def test_only_the_one_of_a_gauge_is_a_ratio(share: bool, expected: str) -> None:
    assert family_name("cpu.utilization", "1", "gauge", share=share) == expected


@pytest.mark.parametrize(
    ("attributes", "kind", "expected"),
    [
        ({"http.route": "/a", "n": 3, "ok": True}, "gauge", {"http_route": "/a", "n": "3", "ok": "true"}),
        ({"tags": ["a", 1]}, "gauge", {"tags": '["a", 1]'}),
        ({"a.b": "first", "a_b": "third", "a-b": "second"}, "gauge", {"a_b": "second;first;third"}),
        ({"__name__": "x", "1st": "y", "": "z"}, "gauge", {"_name_": "x", "_1st": "y", "_": "z"}),
        ({"le": "0.5"}, "histogram", {"exported_le": "0.5"}),
        ({"le": "0.5"}, "counter", {"le": "0.5"}),
        ({"long": "x" * 300}, "gauge", {"long": "x" * 199 + "…"}),
    ],
)
def test_attributes_become_labels(attributes: dict[str, Any], kind: Kind, expected: dict[str, str]) -> None:
    assert labels(attributes, kind) == expected


@given(st.text(min_size=1), st.text(), st.sampled_from(["counter", "gauge", "histogram"]))
def test_no_name_and_no_unit_breaks_the_rules_of_prometheus(name: str, unit: str, kind: Kind) -> None:
    spelt = family_name(name, unit, kind)

    assert spelt.isascii()
    assert spelt.replace(":", "_").isidentifier()


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.booleans(), st.floats(), st.lists(st.text()))))
def test_no_attribute_breaks_the_rules_of_prometheus(attributes: dict[str, Any]) -> None:
    made = labels(attributes, "histogram")

    assert all(name.isidentifier() and name.isascii() and not name.startswith("__") for name in made)
    assert all(text.encode() is not None for text in made.values())
