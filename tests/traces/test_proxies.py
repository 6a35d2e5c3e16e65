"""X-Forwarded-For is believed when a configured proxy says it, and from nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.traces.trust import Trust

PROXY = "10.0.0.9"
PUBLIC = "203.0.113.7"
NEAR = "10.0.0.1"


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("peer", "values", "trusted"),
    [
        (PROXY, [PUBLIC], False),
        (PROXY, [NEAR], True),
        (PROXY, [f"{NEAR}, {PUBLIC}"], False),
        (PROXY, [f"{PUBLIC}, {NEAR}"], True),
        (PROXY, [f"{NEAR}, {PUBLIC}, {PROXY}"], False),
        (PROXY, [NEAR, PUBLIC], False),
        (PROXY, [f"{PUBLIC}:4711"], False),
        (PROXY, [f"{NEAR}:4711"], True),
        (PROXY, ["[fd00::1]:4711"], True),
        (PROXY, ["[2001:db8::1]"], False),
        (PROXY, [], True),
        (PROXY, [PROXY], True),
        (PROXY, ["unknown"], False),
        (PROXY, [""], False),
        (PROXY, [f"{NEAR}," * 2000], False),
        (NEAR, [PUBLIC], True),
        (PUBLIC, [NEAR], False),
        (PUBLIC, [PROXY], False),
    ],
)
def test_a_request_comes_from_the_last_address_that_is_no_proxy(
    peer: str, values: list[str], trusted: bool
) -> None:
    trust = Trust(("private",), (f"{PROXY}/32",))

    assert trust.trusts(peer, headers=forwarded(*values)) is trusted


def test_without_proxies_nothing_that_is_forwarded_is_read() -> None:
    trust = Trust(("private",))

    assert trust.trusts(NEAR, headers=forwarded(PUBLIC))
    assert not trust.trusts(PUBLIC, headers=forwarded(NEAR))


@pytest.mark.parametrize(("proxies", "trusted"), [(("unix",), False), ((), True), (("10.0.0.0/8",), True)])
def test_a_proxy_behind_a_unix_socket_is_one_where_it_is_named(
    proxies: tuple[str, ...], trusted: bool
) -> None:
    trust = Trust(("private",), proxies)

    assert trust.trusts(None, same_host=True, headers=forwarded(PUBLIC)) is trusted


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_header_raises(values: list[bytes]) -> None:
    headers = [(b"x-forwarded-for", value) for value in values]

    Trust(("private",), ("10.0.0.0/8", "unix")).trusts(PROXY, headers=headers)
