"""A value is a secret if its key says so; what a key only resembles stays."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.logs.values import Cleaner
from observekit.redaction import REDACTED, names_secret, redact_text, set_keys


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
        "card_number",
        "cardNumber",
        "cvv",
        "AccountKey",
        "pass",
        "smtp_pass",
        "DB_PASS",
        "passcode",
        "userPasscode",
        "otp",
        "otp_code",
        "totp",
        "pin",
        "card-pin",
        "pinCode",
        "secretkey",
        "apikeys",
        "xApikeys",
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
        "token_expires_at",
        "secret_name",
        "token_url",
        "number",
        "pass_rate",
        "passed",
        "bypass",
        "pin_map",
        "pinned",
        "spin",
        "hotpath",
        "otp_enabled",
        "ключ",
    ],
)
def test_a_key_names_none(key: str) -> None:
    assert not names_secret(key)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("prompt_tokens", 12, 12),
        ("password", True, True),
        ("token", None, None),
        ("password", "x", REDACTED),
        ("db_pass", 1234, REDACTED),
        ("pin", 1234, REDACTED),
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
        ("paid_with", 4111111111111111, REDACTED),
        ("ids", [4111111111111112, 4111111111111111], [4111111111111112, REDACTED]),
        ("at", 1763812800123456789, 1763812800123456789),
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


@pytest.fixture
def _as_before() -> Iterator[None]:
    yield
    set_keys()


@pytest.mark.usefixtures("_as_before")
def test_a_key_that_is_exempt_shows_its_value_whatever_it_looks_like() -> None:
    set_keys(exempt=["sessionId", "order-ref"])
    value = {"order_ref": "4111111111111111", "inner": [{"session_id": "abc"}], "token": "x"}

    assert Cleaner().field("session_id", "password=x") == "password=x"
    assert Cleaner().field("order_ref", 4111111111111111) == 4111111111111111
    assert Cleaner().field("order_ref", ["4111111111111111"]) == ["4111111111111111"]
    assert Cleaner().field("value", value) == {**value, "token": REDACTED}
    assert redact_text("session_id=abc token=abc") == f"session_id=abc token={REDACTED}"


@pytest.mark.usefixtures("_as_before")
def test_a_key_that_is_named_a_secret_is_one_everywhere() -> None:
    set_keys(secret=["iban", "tax id"])

    assert Cleaner().field("IBAN", "DE02") == REDACTED
    assert Cleaner().field("user", {"taxId": "1", "name": "a"}) == {"taxId": REDACTED, "name": "a"}
    assert redact_text("?iban=DE02&page=2") == f"?iban={REDACTED}&page=2"


def test_without_anything_said_of_keys_those_are_as_they_were() -> None:
    assert not names_secret("iban")
    assert names_secret("session_id")
