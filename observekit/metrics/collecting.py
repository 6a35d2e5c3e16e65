"""Families of collectors that are not ours, fetched so that none of them can hold the page up."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any, Final

from prometheus_client import Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric

from observekit.guard import in_forked_child
from observekit.metrics.foreign import is_known
from observekit.metrics.reading import have_functions
from observekit.metrics.store import Store
from observekit.worker import Worker

# Source: Prometheus gives a scrape 10 s unless told otherwise, and other collectors want some of that too.
COLLECT_SECONDS: Final = 2.0
# Source: ten times the families of a large service; who yields more yields without end.
_MOST_FAMILIES: Final = 10_000

Failed = Callable[[str, Exception], None]

_QUICK: Final = (Store, ProcessCollector, PlatformCollector, GCCollector)


class Fetcher:
    """Asks collectors of unknown speed on threads of their own, each for a limited time.

    A collector that hangs holds its thread, and is not asked again until it returns.
    """

    __slots__ = ("__weakref__", "_failed", "_workers")

    def __init__(self, failed: Failed) -> None:
        self._failed = failed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def close(self) -> None:
        """Let go of the threads; a further page gets new ones."""
        self._forget_others([])

    def _start_afresh(self) -> None:
        self._workers: dict[int, tuple[Any, Worker]] = {}

    async def fetch(self, collectors: Iterable[Any]) -> dict[int, list[Metric]]:
        """Return the families of each slow collector by its identity; nothing of those that fail.

        A gauge that shows what functions of the user's return is as slow as they are.
        """
        slow = [one for one in collectors if is_slow(one) or await _asks_functions(one)]
        self._forget_others(slow)
        families = await asyncio.gather(*map(self._fetched, slow))
        return {id(one): found for one, found in zip(slow, families, strict=True)}

    async def _fetched(self, collector: Any) -> list[Metric]:
        worker = self._worker(collector)
        name = type(collector).__name__
        if worker.busy:
            self._failed(name, TimeoutError("the collector has not returned from an earlier scrape"))
            return []
        try:
            async with asyncio.timeout(COLLECT_SECONDS):
                families: Any = await worker.call()
        except TimeoutError:
            self._failed(name, TimeoutError(f"the collector took over {COLLECT_SECONDS:g} s"))
        except Exception as error:  # noqa: BLE001 -- a user's collector may raise anything
            self._failed(name, error)
        else:
            return list(families)
        return []

    def _worker(self, collector: Any) -> Worker:
        known = self._workers.get(id(collector))
        if known is None:
            worker = Worker(f"collect-{type(collector).__name__}", partial(collected, collector))
            self._workers[id(collector)] = known = (collector, worker)
        return known[1]

    def _forget_others(self, slow: list[Any]) -> None:
        """Let the threads of collectors end that are registered no more."""
        current = set(map(id, slow))
        for identity in [one for one in self._workers if one not in current]:
            self._workers.pop(identity)[1].close()


def collected(collector: Any) -> list[Metric]:
    """Return the families of *collector*.

    Raises:
        TimeoutError: It goes on for too long, or without end.
        Exception: What it raised; a RuntimeError instead of a SystemExit or the like.
    """
    try:
        return list(_bounded(collector.collect()))
    except Exception:
        raise
    except BaseException as error:
        # A SystemExit would end the event loop that asks, and with it the server.
        raise RuntimeError(f"the collector raised {type(error).__name__}") from error


def _bounded(families: Iterable[Metric]) -> Iterator[Metric]:
    """Yield *families* for as long as somebody waits for them: those without end would take all memory."""
    deadline = monotonic() + COLLECT_SECONDS
    for many, family in enumerate(families, 1):
        yield family
        if many >= _MOST_FAMILIES or monotonic() >= deadline:
            raise TimeoutError(f"the collector went on after {many} families")


def is_slow(collector: object) -> bool:
    """Whether *collector* is of unknown speed: neither ours nor one of prometheus-client's own."""
    return not isinstance(collector, _QUICK) and not is_known(collector)


async def _asks_functions(collector: object) -> bool:
    """Whether *collector* is a gauge with functions; the children of a large one are looked at in turns."""
    if type(collector) is not Gauge:
        return False
    for found in have_functions(collector):
        if found:
            return True
        await asyncio.sleep(0)
    return False
