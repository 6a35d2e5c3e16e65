"""Secrets are recognised by key and by shape; what only looks like one stays."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.logs.values import Cleaner
from observekit.redaction import REDACTED, names_secret, redact_text


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWORD",
        "db_password",
        "dbPassword",
        "password1",
        "user.password",
        "userpassword",
        "password_hash",
        "passwd",
        "pwd",
        "client_secret",
        "clientSecret",
        "secrets",
        "token",
        "access_token",
        "accessToken",
        "csrftoken",
        "tokens",
        "api_key",
        "apiKey",
        "APIKey",
        "x-api-key",
        "apikey",
        "authorization",
        "Proxy-Authorization",
        "auth",
        "cookie",
        "Set-Cookie",
        "cookies",
        "credentials",
        "private_key",
        "privateKey",
        "aws_access_key_id",
        "signing-key",
        "session_id",
        "sessionid",
        "JSESSIONID",
        "jwt",
        "passphrase",
    ],
)
def test_a_key_names_a_secret(key: str) -> None:
    assert names_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "author",
        "authority",
        "authored_by",
        "keyboard",
        "key",
        "primary_key",
        "monkey",
        "token_count",
        "tokenCount",
        "token_type",
        "auth_method",
        "password_length",
        "secretary",
        "tokenizer",
        "compass",
        "session",
        "id",
        "api",
        "oauth_provider",
        "ключ",
    ],
)
def test_a_key_names_none(key: str) -> None:
    assert not names_secret(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://user:hunter2@db/shop", f"postgres://{REDACTED}@db/shop"),
        ("amqp://user:p@ss@host", f"amqp://{REDACTED}@host"),
        ("see https://a:b@h1 and https://c:d@h2", f"see https://{REDACTED}@h1 and https://{REDACTED}@h2"),
        ("Bearer abcdefgh", f"Bearer {REDACTED}"),
        ("authorization: bearer abc.def-ghi", f"authorization: bearer {REDACTED}"),
        ("Basic dXNlcjpwYXNz", f"Basic {REDACTED}"),
        ("password=hunter2", f"password={REDACTED}"),
        ("/login?user=a&token=abc&next=/", f"/login?user=a&token={REDACTED}&next=/"),
        ("User(name='a', password='hunter2')", f"User(name='a', password={REDACTED})"),
        (r"User(password='it\'s mine', a=1)", f"User(password={REDACTED}, a=1)"),
        ("password=b'hunter2'", f"password={REDACTED}"),
        ("mysql --password=hunter2 -u root", f"mysql --password={REDACTED} -u root"),
        ("password='unclosed", f"password={REDACTED}"),
        ('{"password": "hunter2", "a": "b"}', f'{{"password": "{REDACTED}", "a": "b"}}'),
        ("{'api_key': 'abc'}", f"{{'api_key': '{REDACTED}'}}"),
    ],
)
def test_a_secret_shows_by_its_shape(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert Cleaner().text(text) == shown


@given(
    st.lists(st.sampled_from([*"aA1. =:;&@/'\"{}[],-", "token", "Bearer", "Basic", "abcdefgh"])).map("".join)
)
def test_a_short_look_at_a_text_sees_no_less_than_a_long_one(text: str) -> None:
    assert Cleaner().text(text) == redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://host/path?q=1#a@b",
        "https://medium.com/@user",
        "mail a@b.example, see http://c.example",
        '{"url":"http://a","mail":"b@c"}',
        "Basic understanding of things",
        "Basic configuration loaded",
        "Bearer x",
        "prompt=12 and author=me",
        "token_count=12",
        "keyboard='qwerty'",
        "a == b != c",
        "{'author': 'me'}",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("prompt_tokens", 12, 12),
        ("password", True, True),
        ("token", None, None),
        ("password", "x", REDACTED),
        ("password", b"x", REDACTED),
        ("tokens", ["a", "b"], REDACTED),
        ("credentials", {"user": "a", "key": "b"}, REDACTED),
        (
            "user",
            {"name": "a", "password": "x", "tokens": 3},
            {"name": "a", "password": REDACTED, "tokens": 3},
        ),
        ("users", [{"password": "x"}, ("token", "y")], [{"password": REDACTED}, ["token", REDACTED]]),
        ("headers", [(b"cookie", b"a=b"), (b"accept", b"*/*")], [["cookie", REDACTED], ["accept", "*/*"]]),
        ("body", b"password=x", f"password={REDACTED}"),
        (
            "deep",
            {"a": {"b": {"c": {"d": {"e": {"password": "x"}}}}}},
            {"a": {"b": {"c": {"d": {"e": {"password": REDACTED}}}}}},
        ),
        ("error", ValueError("postgres://u:p@h"), f"ValueError('postgres://{REDACTED}@h')"),
        ("seen", {"https://u:p@h": 1}, {f"https://{REDACTED}@h": 1}),
    ],
    ids=str,
)
def test_a_value_is_shown_without_its_secrets(key: str, value: object, shown: object) -> None:
    assert Cleaner().field(key, value) == shown


@given(
    prefix=st.text(st.characters(codec="utf-8"), max_size=50),
    path=st.lists(st.sampled_from(["user", "items", "data"]), max_size=4),
    size=st.one_of(st.sampled_from([0, 4_000, 30_000]), st.integers(16_300, 16_384)),
)
def test_a_planted_secret_never_shows(prefix: str, path: list[str], size: int) -> None:
    value: Any = {"password": "canary", "dsn": f"{prefix} {'x' * size} postgres://user:canary@host"}
    for name in path:
        value = {name: [value]}

    assert "canary" not in repr(Cleaner().field("value", value))


@pytest.mark.parametrize(
    "part",
    [
        "://",
        "://a",
        "a=",
        'a="',
        "a='",
        "password=",
        '"a": "',
        "'a':'",
        "a-",
        "Bearer ",
        "basic aaaaaaa",
        '\\"',
        "=\\",
    ],
)
def test_the_time_for_a_text_grows_no_faster_than_the_text(part: str) -> None:
    count = 4_000 // len(part)

    once = fastest(lambda: redact_text(part * count + "@="))
    eight_times = fastest(lambda: redact_text(part * count * 8 + "@="))

    # Eight for a walk through the text, 64 for one that begins again at each character.
    assert eight_times < 30 * once + 0.001


def fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)
