"""Baggage is read within its limits, and nothing of what is over them is repeated anywhere."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage

from observekit.traces.propagation import Baggage, HeaderGetter, propagator, read_baggage

CANARY = "hunter2"


def read(*headers: str) -> dict[str, object]:
    return dict(baggage.get_all(Baggage().extract({"baggage": list(headers)}, None, HeaderGetter())))


@pytest.mark.parametrize(
    ("headers", "members"),
    [
        ([], {}),
        ([""], {}),
        (["tenant=acme"], {"tenant": "acme"}),
        (["tenant=acme,user=7"], {"tenant": "acme", "user": "7"}),
        (["tenant=acme", "user=7"], {"tenant": "acme", "user": "7"}),
        ([" tenant = acme , user\t=\t7 "], {"tenant": "acme", "user": "7"}),
        (["tenant=acme;ttl=5;private"], {"tenant": "acme"}),
        (["city=K%C3%B6ln"], {"city": "Köln"}),
        (["name=acme%20and%20sons,sum=1+1"], {"name": "acme and sons", "sum": "1+1"}),
        (["raw=%ff"], {"raw": "\ufffd"}),
        (["empty="], {"empty": ""}),
        (["twice=1,twice=2"], {"twice": "2"}),
        (["good=1,no equals,bad key=1,=none,\xe4=1,v=\xe4,good2=2"], {"good": "1", "good2": "2"}),
        ([",".join(f"k{number}=v" for number in range(64))], {f"k{number}": "v" for number in range(64)}),
        ([",".join(f"k{number}=v" for number in range(65))], {}),
        (["k=" + "v" * 8190], {"k": "v" * 8190}),
        (["k=" + "v" * 8191], {}),
        (["k=" + "v" * 5000, "j=" + "v" * 5000], {}),
        (["," * 8190], {}),
    ],
)
def test_members_within_the_limits_are_read(headers: list[str], members: dict[str, str]) -> None:
    assert read(*headers) == members


@pytest.mark.parametrize(
    "header",
    [
        f"{CANARY}",
        f"{CANARY} key=1",
        f"key={CANARY}\xe4",
        f"key={CANARY} space",
        f"={CANARY}",
        f"{CANARY}=" + "x" * 65536,
        ",".join(f"{CANARY}{number}=1" for number in range(5000)),
        f"%{CANARY}=%zz",
    ],
)
def test_nothing_of_a_header_is_written_to_a_log(header: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    every = propagator(("tracecontext", "baggage"))

    every.extract(
        {"baggage": [header], "traceparent": [header], "tracestate": [header]}, None, HeaderGetter()
    )

    assert caplog.records == []


def test_rows_of_white_space_cost_nothing_to_speak_of() -> None:
    # Divided up in every way they can be, each of these takes seconds.
    headers = [f'k={" " * 8180}"', f'{" " * 8180}!"', f'k{" " * 8180}"', f"k=v{' ' * 8170};\n"]

    members = [read_baggage([header]) for header in headers * 100]

    assert members == [{}, {}, {}, {}] * 100


@given(st.lists(st.text(max_size=300), max_size=3))
def test_no_header_raises_or_is_read_beyond_the_limits(headers: list[str]) -> None:
    members = read_baggage(headers)

    assert len(members) <= 64


@given(
    st.dictionaries(st.from_regex(r"[a-z0-9_.-]{1,20}", fullmatch=True), st.text(max_size=50), max_size=10)
)
def test_what_is_written_is_what_is_read(members: dict[str, str]) -> None:
    clean = {key: value.strip().encode("utf-8", "ignore").decode() for key, value in members.items()}
    context = None
    for key, value in clean.items():
        context = baggage.set_baggage(key, value, context)
    carrier: dict[str, str] = {}

    Baggage().inject(carrier, context)

    assert read(*carrier.values()) == clean


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError(CANARY)


def test_what_cannot_be_written_is_left_out_alone_and_counted_and_the_rest_is_as_w3c_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    context = None
    for key, value in (("no token", "x"), ("hostile", Unshowable()), ("half", "\ud800"), ("sum", "1+1 = 2")):
        context = baggage.set_baggage(key, value, context)
    carrier: dict[str, str] = {}

    Baggage(told.append).inject(carrier, context)

    assert carrier == {"baggage": "half=%3F,sum=1%2B1%20%3D%202"}
    assert (told, caplog.records) == (["baggage_of_ours"], [])
