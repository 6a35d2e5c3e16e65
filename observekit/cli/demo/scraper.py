"""Scrapes of the shop, one after the other, and the difference of any two."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

import httpx

from observekit.cli.demo.scrape import Page, read
from observekit.cli.demo.shop import Shop

_WINDOW_SECONDS: Final = 10.0
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Difference:
    """What came in between two scrapes, by service, and the seconds between them."""

    pages: Mapping[str, Page]
    seconds: float


class Scraper:
    """Reads the /metrics pages of the shop."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop) -> None:
        self._client = client
        self._shop = shop
        self._first: tuple[float, dict[str, Page]] | None = None
        self._scrapes: deque[tuple[float, dict[str, Page]]] = deque(maxlen=_KEPT)

    async def scrape(self) -> None:
        """Read the pages of all services."""
        pages = {name: await self._page(name) for name in self._shop.services}
        now = monotonic()
        self._first = self._first or (now, pages)
        self._scrapes.append((now, pages))
        while len(self._scrapes) > 1 and now - self._scrapes[1][0] >= _WINDOW_SECONDS:
            self._scrapes.popleft()

    def recent(self) -> Difference:
        """Return what came in within the last ten seconds or so."""
        return _difference(self._scrapes[0], self._scrapes[-1])

    def all(self) -> Difference:
        """Return what came in since the first scrape."""
        return _difference(self._first or self._scrapes[0], self._scrapes[-1])

    async def _page(self, name: str) -> Page:
        answer = await self._client.get(f"{self._shop[name].url}/metrics", headers={"accept": "text/plain"})
        return read(answer.raise_for_status().text)


def _difference(before: tuple[float, dict[str, Page]], after: tuple[float, dict[str, Page]]) -> Difference:
    pages = {name: page.since(before[1][name]) for name, page in after[1].items()}
    return Difference(pages, after[0] - before[0])
