"""An HTTP upstream: the status of one URL, asked with the application's client where it has one."""

from collections.abc import Container
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from observekit.errors import ConfigError
from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import How, asking, ready

# Above what a check may take, so that the check says so first; it ends the wait of a thread.
_SECONDS: Final = 5.0
_FINE: Final = range(200, 400)
_ASKS: Final = "an HTTP upstream"


def http_upstream(
    url: str, client: object | None = None, *, statuses: Container[int] = _FINE
) -> CheckFunction:
    """Return a check that asks for *url* and looks at the status; no redirect is followed, no body is read.

    Args:
        url: What to ask for; something that is cheap over there, such as its own ``/livez``: with readiness
            in turn, one failure would be everybody's.
        client: A client of httpx, a session of aiohttp or requests, or a function that returns it; unless
            given, each run makes a connection of its own.
        statuses: Which statuses are fine.

    Raises:
        ConfigError: If *url* is not one of http or https, or *client* is none of these.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"http_upstream() got {url!r}, but needs an http or https URL, like 'http://stock/livez'."
        )
    if client is None:
        return ready(_alone(url, statuses), "http_upstream", asks=_ASKS, criticality="degraded")
    return asking(client, _hows(url, statuses), "http_upstream", asks=_ASKS)


def _judge(status: int, statuses: Container[int]) -> None:
    if status not in statuses:
        raise ConnectionError(f"the upstream answered {status}")


def _alone(url: str, statuses: Container[int]) -> CheckFunction:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"

    def ask() -> None:
        connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
        try:
            connection.request("GET", target, headers={"Connection": "close"})
            _judge(connection.getresponse().status, statuses)
        finally:
            connection.close()

    return ask


def _hows(url: str, statuses: Container[int]) -> dict[str, How]:
    return {
        "httpx.AsyncClient": lambda client: partial(_httpx_async, client, url, statuses),
        "httpx.Client": lambda client: partial(_httpx, client, url, statuses),
        "aiohttp.ClientSession": lambda session: partial(_aiohttp, session, url, statuses),
        "requests.Session": lambda session: partial(_requests, session, url, statuses),
    }


def _httpx(client: Any, url: str, statuses: Container[int]) -> None:
    with client.stream("GET", url, follow_redirects=False) as response:
        _judge(response.status_code, statuses)


async def _httpx_async(client: Any, url: str, statuses: Container[int]) -> None:
    async with client.stream("GET", url, follow_redirects=False) as response:
        _judge(response.status_code, statuses)


async def _aiohttp(session: Any, url: str, statuses: Container[int]) -> None:
    async with session.get(url, allow_redirects=False) as response:
        _judge(response.status, statuses)


def _requests(session: Any, url: str, statuses: Container[int]) -> None:
    with session.get(url, allow_redirects=False, stream=True, timeout=_SECONDS) as response:
        _judge(response.status_code, statuses)
