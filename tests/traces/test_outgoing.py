"""Which hosts are internal, by their name alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.traces.outgoing import Hosts

INTERNAL = [
    "orders",
    "localhost",
    "LOCALHOST.",
    "orders.shop.svc",
    "orders.shop.svc.cluster.local",
    "db.internal",
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.1",
    "169.254.169.254",
    "[::1]",
    "::1",
    "fe80::1%eth0",
    "fd00::1",
    "::ffff:10.0.0.1",
    "2130706433",
    "0x7f.1",
]
FOREIGN = [
    "example.com",
    "internal.example.com",
    "local.example",
    "10.0.0.1.example.com",
    "evil-internal.com",
    "8.8.8.8",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "xinternal.com",
    "134744072",  # As 8.8.8.8 to whoever connects.
    "0x08080808",
    "8.8.2056",
    "a" * 300,
    "",
    None,
]


@pytest.mark.parametrize("host", INTERNAL)
def test_an_internal_host_is_internal(host: str) -> None:
    assert Hosts(("internal",)).include(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_not(host: str | None) -> None:
    assert not Hosts(("internal",)).include(host)


@pytest.mark.parametrize("host", [*INTERNAL, *FOREIGN])
def test_always_and_never_ask_for_no_host(host: str | None) -> None:
    assert Hosts(("always",)).include(host)
    assert not Hosts(("never",)).include(host)


@pytest.mark.parametrize(
    ("host", "included"),
    [
        ("api.partner.com", True),
        ("API.partner.com.", True),
        ("x.api.partner.com", False),
        ("corp.example", True),
        ("a.b.corp.example", True),
        ("evilcorp.example", False),
        ("corp.example.evil.com", False),
        ("203.0.113.9", True),
        ("203.0.114.9", False),
        ("orders", False),
    ],
)
def test_listed_hosts_are_included_alone(host: str, included: bool) -> None:
    hosts = Hosts(("api.partner.com", ".corp.example", "203.0.113.0/24"))

    assert hosts.include(host) is included


@given(st.text(max_size=300))
def test_no_host_raises(host: str) -> None:
    Hosts(("internal", ".example.com")).include(host)


def test_many_hosts_are_remembered_in_limited_memory() -> None:
    hosts = Hosts(("internal",))

    for number in range(5000):
        hosts.include(f"host-{number}.example.com")

    assert hosts._judged.cache_info().currsize == 1024
