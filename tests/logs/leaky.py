"""An application that logs what it should not: secrets in every place where one could be.

Each has a number of its own, so that what is seen says where it came from.
"""

import asyncio
import logging
import os
import threading
import warnings
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import annotate, instrument

log = structlog.get_logger("leaky")
stdlib = logging.getLogger("leaky.stdlib")


@dataclass
class Login:
    user: str
    password: str


def canary(number: int) -> str:
    return f"canary-{number:03}-x7Q"


def log_fields() -> None:
    log.info(
        "by.key", password=canary(1), api_key=canary(2), sessionId=canary(3), **{"set-cookie": canary(4)}
    )
    log.info("nested", user={"name": "ann", "tokens": [canary(5)], "deep": [{"client_secret": canary(6)}]})
    log.info("objects", login=Login("ann", canary(7)), pairs=[("authorization", canary(8)), ("a", "b")])
    log.bind(db_password=canary(9)).warning("bound %s", f"password={canary(10)}")
    structlog.contextvars.bind_contextvars(refresh_token=canary(11))
    stdlib.info("login with password=%s", canary(12), extra={"secret": canary(13)})
    stdlib.info("%s", {"api_key": canary(14), "headers": [(b"cookie", canary(15).encode())]})
    annotate(card_number=canary(16), note=f"Bearer {canary(17)}", dsn=f"redis://:{canary(18)}@cache")


def log_texts() -> None:
    log.info(f"connecting to postgres://u:{canary(20)}@db/shop")  # noqa: G004 -- as people do
    log.info("header", text=f"Authorization: Digest {canary(21)}\r\nCookie: a={canary(22)}; b={canary(23)}")
    log.info("url", text=f"https://h/cb?code={canary(24)}&state=1&sig={canary(25)}&%74oken={canary(26)}")
    log.info("json", text=f'{{"password": "{canary(27)}", "in": "{{\\"token\\": \\"{canary(28)}\\"}}"}}')
    log.info("split", text=f"postgres://u:a#{canary(19)}@db and amqp://u:{canary(38)}/b@mq", pin=canary(39))
    log.info("odbc", text=f"Server=h;Pwd=two words {canary(29)};Encrypt=1")
    log.info("pem", text=f"-----BEGIN PRIVATE KEY-----\n{canary(30)}\n-----END PRIVATE KEY-----")
    log.info("jwt", text=f"eyJhbGciOiJIUzI1NiJ9.{canary(31)}.abcdefgh")
    log.info("key", text=f"ghp_{'0' * 20}{canary(32).replace('-', '')}", args=(f"--password={canary(33)}",))
    log.info("repr", text=repr(Login("ann", canary(34))), blob=f"token={canary(35)}".encode())
    log.info("cut", text="x" * 16_370 + f" password={canary(36)}")
    warnings.warn(f"token={canary(37)} is old", stacklevel=1)


def fail() -> None:
    local = canary(40)
    try:
        raise ConnectionError(f"amqp://u:{canary(41)}@mq refused")  # noqa: TRY301 -- to be a cause
    except ConnectionError as error:
        error.add_note(f"api_key={canary(42)}")
        raise RuntimeError(f"login failed: password='{canary(43)}'", len(local)) from error


async def leak(request: Request) -> PlainTextResponse:
    log_fields()
    log_texts()
    thread = threading.Thread(target=fail)
    thread.start()
    await asyncio.to_thread(thread.join)
    try:
        fail()
    except RuntimeError as error:
        log.exception("failed", error=error)
        stdlib.exception("failed")
    await request.body()
    return PlainTextResponse("ok")


async def boom(request: Request) -> PlainTextResponse:
    log.info("request", headers=request.headers.items(), query=str(request.query_params))
    fail()
    return PlainTextResponse("never")


app = Starlette(routes=[Route("/leak", leak, methods=["GET", "POST"]), Route("/boom/{token}", boom)])
instrument(app, log_format=os.environ.get("LEAKY_FORMAT", "json"), log_flight_recorder="debug")
