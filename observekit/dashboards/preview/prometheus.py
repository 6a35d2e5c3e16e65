"""Asks a Prometheus over HTTP, with nothing but the standard library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from observekit.errors import ConfigError, RemoteError

_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus at *url*, such as ``http://127.0.0.1:9090``.

    Raises:
        ConfigError: If the address is none of HTTP.
    """

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(f"the address of Prometheus is {self.url!r}, but must begin with http://.")

    def query(self, expression: str, at: float) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with ``metric`` and ``values``.

        Raises:
            RemoteError: If it does not answer.
            ValueError: If it refuses the query; the message is its own.
        """
        found = self._ask("query", {"query": expression, "time": str(at)})
        return [{**one, "values": [one["value"]]} for one in found if "value" in one]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the series of a range query, as ``query`` does."""
        asked = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        return self._ask("query_range", asked)

    def _ask(self, kind: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        request = Request(  # noqa: S310 -- the scheme was looked at
            f"{self.url.rstrip('/')}/api/v1/{kind}", data=urlencode(asked).encode()
        )
        try:
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 -- as above
                found = json.load(answer)
        except HTTPError as error:
            raise ValueError(_told(error)) from error
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RemoteError(f"Prometheus at {self.url} does not answer: {reason}.") from error
        result: list[dict[str, Any]] = found["data"]["result"] if isinstance(found, dict) else []
        return result


def _told(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
