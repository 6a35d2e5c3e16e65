"""Who gets the metrics page, on the application's port and on the ops port."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, ObserveMiddleware, setup
from observekit.errors import ConfigError

if TYPE_CHECKING:
    from tests.opsport.conftest import Answer, Client, Service

Make = Callable[..., "Service"]
Scraped = Callable[..., "Answer"]
TOKEN = "s3cret-token"  # noqa: S105 -- of a test
BEARER = f"Authorization: Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([BEARER], 200),
        ([f"authorization: bearer   {TOKEN} "], 200),
        (["Authorization: Bearer s3cret-tokem"], 401),
        (["Authorization: Bearer s3cret-token2"], 401),
        (["Authorization: Bearer"], 401),
        (["Authorization: "], 401),
        ([f"Authorization: Basic {TOKEN}"], 401),
        ([f"Authorization: {TOKEN}"], 401),
        (["Authorization: Bearer \xff\xfe"], 401),
        ([BEARER, BEARER], 401),
    ],
)
def test_a_scrape_brings_the_token_on_either_port(
    make_service: Make, make_client: "type[Client]", headers: list[str], status: int
) -> None:
    service = make_service(metrics_token=TOKEN)

    with service.served() as application:
        told = [
            client.get("/metrics", *headers)
            for client in (application, make_client(service.kit.ops_port or 0))
        ]
        probe = application.get("/readyz", *headers)

    assert [one.status for one in told] == [status, status]
    assert [one.headers.get("www-authenticate") for one in told] == ["bearer" if status == 401 else None] * 2
    assert probe.status == 200
    assert service.asked == 0


@pytest.mark.parametrize(
    ("allow", "headers", "status"),
    [
        (("always",), [], 200),
        (("always",), ["X-Forwarded-For: 203.0.113.9"], 200),
        (("private",), [], 200),
        (("private",), ["X-Forwarded-For: 10.0.0.1"], 403),
        (("127.0.0.0/8",), [], 200),
        (("127.0.0.0/8",), ["Forwarded: for=127.0.0.1"], 403),
        (("10.0.0.0/8", "::1/128"), [], 403),
        (("never",), [], 403),
    ],
)
def test_the_page_is_for_those_who_are_allowed_and_the_ops_port_for_all_who_reach_it(
    make_service: Make,
    make_client: "type[Client]",
    allow: tuple[str, ...],
    headers: list[str],
    status: int,
) -> None:
    service = make_service(metrics_allow=allow)

    with service.served() as application:
        told = application.get("/metrics", *headers)
        ops = make_client(service.kit.ops_port or 0).get("/metrics", *headers)
        probe = application.get("/livez")

    assert (told.status, ops.status, probe.status) == (status, 200, 200)
    assert ("target_info" in told.body) == (status == 200)


@pytest.mark.parametrize(
    ("client", "server", "status"),
    [
        (("10.1.2.3", 1), ("10.0.0.1", 80), 200),
        (("::ffff:10.1.2.3", 1), ("::", 80), 200),
        (("203.0.113.9", 1), ("10.0.0.1", 80), 403),
        (("testclient", 1), ("testserver", 80), 403),
        (None, ("/run/app.sock", None), 200),
        (None, ("10.0.0.1", 80), 403),
        (None, None, 403),
    ],
)
@pytest.mark.anyio
async def test_peers_are_judged_by_the_address_of_their_socket(
    make_kit: Callable[..., Kit],
    client: tuple[str, int] | None,
    server: tuple[str, int | None] | None,
    status: int,
) -> None:
    make_kit(metrics_allow=("private",))
    sent: list[int] = []

    async def send(message: dict[str, int]) -> None:
        sent.append(message.get("status", 0))

    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": [], "query_string": b""}
    await ObserveMiddleware(None)({**scope, "client": client, "server": server}, None, send)  # type: ignore[arg-type]  # never asked

    assert sent[0] == status


def test_who_brings_the_token_is_shown_the_names_of_checks(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(metrics_token=TOKEN)
    service.kit.readiness("orders-db")(lambda: True)
    forwarded = "X-Forwarded-For: 203.0.113.9"

    with service.served() as application:
        told = [
            client.get("/readyz?verbose", forwarded, *headers).body
            for client in (application, make_client(service.kit.ops_port or 0))
            for headers in ([], [BEARER], ["Authorization: Bearer wrong"])
        ]

    assert told == ["ok\n", "[+] orders-db ok (required, n ms)\nok\n", "ok\n"] * 2


def test_where_there_is_no_token_bringing_none_shows_nothing(make_service: Make) -> None:
    service = make_service()
    service.kit.readiness("orders-db")(lambda: True)

    with service.served() as application:
        told = application.get("/readyz?verbose", "Forwarded: for=x", "Authorization: Bearer None").body

    assert told == "ok\n"


def test_a_second_setup_with_another_token_is_refused_without_telling_either(
    make_kit: Callable[..., Kit],
) -> None:
    make_kit(metrics_token=TOKEN, registry=CollectorRegistry())

    with pytest.raises(ConfigError) as told:
        setup(metrics_token="an0ther-token")  # noqa: S106 -- of a test

    assert "metrics_token is '[redacted]', but this process was set up with '[redacted]'." in str(told.value)
    assert "token'" not in str(told.value).replace("metrics_token", "")
