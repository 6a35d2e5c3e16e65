"""Secrets show in a text by what stands before them and by their shape; what only looks like one stays."""

import random
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.logs.values import Cleaner
from observekit.redaction import REDACTED, is_plain_word, redact_text

BENIGN = (Path(__file__).parent / "benign.txt").read_text().splitlines()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://user:hunter2@db/shop", f"postgres://{REDACTED}@db/shop"),
        ("amqp://user:p@ss@host", f"amqp://{REDACTED}@host"),
        ("see https://a:b@h1 and https://c:d@h2", f"see https://{REDACTED}@h1 and https://{REDACTED}@h2"),
        ("postgresql://u:p#w@h/db?a=b", f"postgresql://{REDACTED}@h/db?a=b"),
        (
            "u1 postgres://u:p/ss@h:5432/db,redis://:a?b@h/0",
            f"u1 postgres://{REDACTED}@h:5432/db,redis://{REDACTED}@h/0",
        ),
        ("amqp://u:p/a@b@host/v", f"amqp://{REDACTED}@host/v"),
        ("mongodb://u:p#1@h1,h2/db", f"mongodb://{REDACTED}@h1,h2/db"),
        ("https://ghtoken@host/x", f"https://{REDACTED}@host/x"),
        ("postgres://u:a<b@db or redis://:c>d@h", f"postgres://{REDACTED}@db or redis://{REDACTED}@h"),
        ('postgres://u:a"b@db', f"postgres://{REDACTED}@db"),
        ('{"a":"redis://u:a<b#c@h","b":"x@y"}', f'{{"a":"redis://{REDACTED}@h","b":"x@y"}}'),
        ("<postgres://u:a<b@db>,<mailto:x@y>", f"<postgres://{REDACTED}@db>,<mailto:x@y>"),
        ("redis://:1234#x@h", f"redis://{REDACTED}@h"),
        ("postgres://u:/abc@db", f"postgres://{REDACTED}@db"),
        ("git+https://u:p@host/repo.git@v1", f"git+https://{REDACTED}@host/repo.git@v1"),
        ("Bearer abc123def456", f"Bearer {REDACTED}"),
        ("authorization: bearer abc.def-ghi", f"authorization: {REDACTED}"),
        ('Authorization: Digest username="a", response="b"\nHost: h', f"Authorization: {REDACTED}\nHost: h"),
        ("Basic dXNlcjpwYXNz", f"Basic {REDACTED}"),
        ("Cookie: a=b; c=d\r\nHost: h", f"Cookie: {REDACTED}\r\nHost: h"),
        ("set-cookie: session=abc; HttpOnly", f"set-cookie: {REDACTED}"),
        ("[(b'cookie', b'a=b'), (b'host', b'h')]", f"[(b'cookie', b'{REDACTED}'), (b'host', b'h')]"),
        ("X-Api-Key: 12ab", f"X-Api-Key: {REDACTED}"),
        ("password=hunter2", f"password={REDACTED}"),
        ("password = hunter2", f"password = {REDACTED}"),
        ("password: hunter2", f"password: {REDACTED}"),
        ("password: correcthorsebattery", f"password: {REDACTED}"),
        ("/login?user=a&token=abc&next=/", f"/login?user=a&token={REDACTED}&next=/"),
        ("/cb?code=abc123&x=1&X-Amz-Signature=ab", f"/cb?code={REDACTED}&x=1&X-Amz-Signature={REDACTED}"),
        ("/?%74oken=abc&tok%2565n=abc", f"/?%74oken={REDACTED}&tok%2565n={REDACTED}"),
        ("User(name='a', password='hunter2')", f"User(name='a', password='{REDACTED}')"),
        (r"User(password='it\'s mine', a=1)", f"User(password='{REDACTED}', a=1)"),
        ("password=b'hunter2'", f"password=b'{REDACTED}'"),
        ("mysql --password=hunter2 -u root", f"mysql --password={REDACTED} -u root"),
        ("password='unclosed and cut", f"password='{REDACTED}"),
        ('{"password": "hunter2", "a": "b"}', f'{{"password": "{REDACTED}", "a": "b"}}'),
        ('{"password": 1234}', f'{{"password": {REDACTED}}}'),
        ("{'api_key': 'abc'}", f"{{'api_key': '{REDACTED}'}}"),
        (r'{"a": "{\"password\": \"x y\"}"}', rf'{{"a": "{{\"password\": \"{REDACTED}\"}}"}}'),
        ("tokens=['a', 'b'], a=1", f"tokens={REDACTED}, a=1"),
        ("{'credentials': {'user': 'a', 'key': {'b': 1}}, 'c': 1}", f"{{'credentials': {REDACTED}, 'c': 1}}"),
        ("Server=a;Password=my pass word;Encrypt=1", f"Server=a;Password={REDACTED};Encrypt=1"),
        ("host=db user=a password=b dbname=c", f"host=db user=a password={REDACTED} dbname=c"),
        ("AccountName=a;AccountKey=ab+/c==;E=1", f"AccountName=a;AccountKey={REDACTED};E=1"),
        ("msg='password=hunter2 given'", f"msg='password={REDACTED} given'"),
        (JWT, REDACTED),
        (f"sent {JWT}, refused", f"sent {REDACTED}, refused"),
        (f"/reset/{JWT}", f"/reset/{REDACTED}"),
        (PEM, REDACTED),
        (f"key {PEM} after", f"key {REDACTED} after"),
        (PEM[:40], REDACTED),
        ("4111111111111111", REDACTED),
        ("paid with 4111 1111 1111 1111.", f"paid with {REDACTED}."),
        ("paid with 5555-5555-5555-4444, 3782 822463 10005", f"paid with {REDACTED}, {REDACTED}"),
        ("20 4111111111111111", f"20 {REDACTED}"),
        ("AKIAIOSFODNN7EXAMPLE", REDACTED),
        ("key AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY!", f"key {REDACTED}!"),
        ("ghp_" + "a1B2" * 9, REDACTED),
        ("glpat-abcdefghij0123456789", REDACTED),
        ("xoxb" + "-123456789012-abcdefABCDEF", REDACTED),
        ("sk" + "_live_abcdefghij0123456789", REDACTED),
        ("sk-proj-abcdefghij0123456789", REDACTED),
        ("hvs.abcdefghij0123456789abc", REDACTED),
    ],
)
def test_a_secret_shows_in_a_text(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert Cleaner().text(text) == shown


@pytest.mark.parametrize("text", ["", *BENIGN])
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("most", "make"),
    [
        (0, lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))),
        (0, lambda rng: f"{rng.getrandbits(128):032x}"),
        (0, lambda rng: str(rng.randrange(1_600_000_000_000, 1_900_000_000_000))),
        (0, lambda rng: str(rng.randrange(1_600_000_000_000_000_000, 1_900_000_000_000_000_000))),
        (0, lambda rng: str(rng.randrange(10**12, 10**13))),
        # One in ten has the last digit that Luhn's formula asks for, one in four an issuer's first.
        (0.03, lambda rng: str(rng.randrange(10**15, 10**16))),
    ],
    ids=["uuid", "hex", "ms", "ns", "13 digits", "16 digits"],
)
def test_of_random_ids_no_more_than_this_share_is_taken_for_a_card(
    most: float, make: Callable[[random.Random], str]
) -> None:
    rng = random.Random(7)  # noqa: S311 -- to be the same each time
    texts = [make(rng) for _ in range(5_000)]

    taken = sum(redact_text(text) != text for text in texts)

    assert taken <= most * len(texts)


@given(
    st.lists(
        st.sampled_from(
            [
                *"aA1. =:;&@/'\"{}[],-",
                "token",
                "Bearer",
                "Basic",
                "abcdefgh",
                "eyJaaaaaaaa.",
                "4111111111111111",
            ]
        )
    ).map("".join)
)
def test_a_short_look_at_a_text_sees_no_less_than_a_long_one(text: str) -> None:
    assert Cleaner().text(text) == redact_text(text)


@given(st.text(max_size=40))
def test_what_is_taken_for_a_harmless_word_is_one(text: str) -> None:
    assert not is_plain_word(text) or redact_text(text) == text
