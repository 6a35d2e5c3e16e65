"""Whose trace is continued is decided by where the request came from, which its caller cannot choose."""

import pytest

from observekit.traces.trust import Trust

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "172.15.255.255",
    "100.128.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "0.0.0.0",  # noqa: S104 -- nothing is bound to it
    "255.255.255.255",
    "2001:4860:4860::8888",
    "2001:db8::1",
    "::",
    "::ffff:8.8.8.8",
    "64:ff9b::10.0.0.1",
]
GARBAGE = [
    "testclient",
    "localhost",
    "10.0.0.1.evil.test",
    "10.0.0.1, 8.8.8.8",
    "127.0.0.1:80",
    "[::1]",
    "127.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.01",
    "%",
    "::1%" + "x" * 100_000,
    "\ud800",
    "١٢٧.0.0.1",
    " 127.0.0.1",
]


@pytest.mark.parametrize("peer", PRIVATE)
def test_a_private_peer_is_trusted_by_default(peer: str) -> None:
    assert Trust(("private",)).trusts(peer)


@pytest.mark.parametrize("peer", PUBLIC + GARBAGE)
def test_a_public_peer_or_none_is_not(peer: str) -> None:
    assert not Trust(("private",)).trusts(peer)


@pytest.mark.parametrize("words", [("private",), ("10.0.0.0/8",)])
@pytest.mark.parametrize("unknown", [None, ""])
def test_a_peer_without_an_address_is_trusted_on_a_unix_socket_only(
    words: tuple[str, ...], unknown: str | None
) -> None:
    trust = Trust(words)

    assert trust.trusts(unknown, same_host=True)
    assert not trust.trusts(unknown, same_host=False)


@pytest.mark.parametrize("peer", [*PRIVATE, *PUBLIC, *GARBAGE, None])
def test_always_and_never_ask_for_no_peer(peer: str | None) -> None:
    assert Trust(("always",)).trusts(peer)
    assert not Trust(("never",)).trusts(peer, same_host=True)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("203.0.114.7", False),
        ("2001:db8:1::5", True),
        ("2001:db8:2::5", False),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("testclient", False),
    ],
)
def test_networks_are_trusted_alone(peer: str, trusted: bool) -> None:
    trust = Trust(("203.0.113.0/24", "2001:db8:1::/48"))

    assert trust.trusts(peer) is trusted


def test_a_million_peers_are_remembered_in_limited_memory() -> None:
    trust = Trust(("private",))

    for number in range(5000):
        trust.trusts(f"2001:db8::{number:x}")
        trust.trusts(f"{number}" * 1000)

    assert trust._judged.cache_info().currsize == 1024
