"""Customers of the shop: most buy tea, some wait for a sofa, a few meet its bug."""

import asyncio
from collections import Counter
from random import Random
from typing import Final

import httpx

PER_SECOND: Final = 15.0
_MOST_AT_ONCE: Final = 32
_SEED: Final = 20

_Request = tuple[str, str]

# One of each kind, so that a short demo has all of them.
OPENING: Final[tuple[_Request, ...]] = (
    ("GET", "/"),
    ("GET", "/products/tea"),
    ("POST", "/checkout/tea"),
    ("POST", "/checkout/gift-card"),
    ("POST", "/checkout/sofa?quantity=2"),
    ("GET", "/receipts/1"),
    ("GET", "/help/delivery"),
    ("POST", "/checkout/umbrella"),
    ("GET", "/wp-login.php"),
)
MIX: Final[dict[_Request, int]] = {
    ("GET", "/"): 24,
    ("GET", "/products/tea"): 10,
    ("GET", "/products/lamp"): 10,
    ("GET", "/products/sofa"): 6,
    ("GET", "/products/unicorn"): 1,
    ("GET", "/receipts/1"): 10,
    ("GET", "/help/delivery"): 3,
    ("GET", "/help/returns"): 2,
    ("GET", "/wp-login.php"): 2,
    ("POST", "/checkout/tea"): 12,
    ("POST", "/checkout/mug?quantity=6"): 8,
    ("POST", "/checkout/lamp"): 5,
    ("POST", "/checkout/sofa"): 3,  # Slow: the crane.
    ("POST", "/checkout/sofa?quantity=2"): 1,  # Slow, and over the credit limit.
    ("POST", "/checkout/umbrella"): 2,  # Sold out.
    ("POST", "/checkout/gift-card"): 1,  # The bug.
}


class Traffic:
    """Requests to *url* at random moments, the same ones in each demo.

    Attributes:
        answers: How many requests got which status; ``no answer`` counts those that got none.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._random = Random(_SEED)  # noqa: S311 -- customers, not secrets
        self._under_way: set[asyncio.Task[None]] = set()
        self.answers: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Send requests until *stop*, then wait for those that are under way."""
        opening = iter(OPENING)
        while not stop.is_set():
            self._send(*next(opening, None) or self._any())
            await _pause(stop, self._random.expovariate(PER_SECOND))
            if len(self._under_way) >= _MOST_AT_ONCE:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*self._under_way)

    def _any(self) -> _Request:
        return self._random.choices(list(MIX), list(MIX.values()))[0]

    def _send(self, method: str, path: str) -> None:
        task = asyncio.create_task(self._ask(method, path))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, method: str, path: str) -> None:
        try:
            answer = await self._client.request(method, f"{self._url}{path}")
        except httpx.TransportError:
            self.answers["no answer"] += 1
        else:
            self.answers[str(answer.status_code)] += 1


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
