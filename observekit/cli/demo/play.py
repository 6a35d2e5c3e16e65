"""The course of the demo: open the shop, watch it under traffic, tell what was seen, close it."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import httpx

from observekit.cli.demo import prometheus, report
from observekit.cli.demo.collector import Collector
from observekit.cli.demo.processes import Child, Children
from observekit.cli.demo.scraper import Difference, Scraper
from observekit.cli.demo.screen import Part, Screen
from observekit.cli.demo.shop import NotReadyError, Shop, open_shop
from observekit.cli.demo.spans import failing
from observekit.cli.demo.tables import brief, brief_heading, table
from observekit.cli.demo.traffic import Traffic
from observekit.cli.demo.workspace import workspace
from observekit.cli.exits import FINE, REMOTE_FAILED
from observekit.errors import ObservekitError

_SECONDS_WITHOUT_TERMINAL: Final = 30.0
_REDRAW_SECONDS: Final = 1.0
_LINE_SECONDS: Final = 2.0
_SPANS_SECONDS: Final = 3.0
"""How long the last spans may take to arrive; they are sent every 0.2 s."""
_POLL_SECONDS: Final = 0.05
_GRACE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Everything that is running."""

    options: argparse.Namespace
    screen: Screen
    stop: asyncio.Event
    logs: Path
    collector: Collector
    children: Children
    client: httpx.AsyncClient
    directory: Path

    def story(self, shop: Shop) -> bool:
        """Tell the newest request that failed; ``False`` if there is none yet."""
        trace = failing(self.collector.traces.newest_first(), shop.services)
        if trace is None:
            return False
        self.screen.say(report.failed_request(trace, self.logs, shop.services, self.screen))
        return True


async def play(options: argparse.Namespace) -> int:
    """Play the demo on standard output, and return the exit code.

    Raises:
        ObservekitError: If it cannot begin.
    """
    if options.prometheus:
        prometheus.program()
    screen = Screen.on(sys.stdout)
    stop = asyncio.Event()
    with _signals(stop), screen:
        async with _stage(options, screen, stop) as stage:
            try:
                return await _watched(stage)
            except NotReadyError as error:
                screen.say([[Part(f"observekit: {error}", "red")]])
                return REMOTE_FAILED


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let the first signal end the demo in good order, and a second one at once."""
    loop = asyncio.get_running_loop()
    play = asyncio.current_task()

    def interrupt() -> None:
        if stop.is_set() and play is not None:
            play.cancel()
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _stage(options: argparse.Namespace, screen: Screen, stop: asyncio.Event) -> AsyncIterator[_Stage]:
    """Set everything up; take it down in the reverse order: services first, what they write to last."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(workspace())
        logs = directory if options.logs is None else options.logs
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ObservekitError(
                f"{logs} cannot be made: {error.strerror}. Name another directory."
            ) from error
        collector = stack.enter_context(Collector())
        children = await stack.enter_async_context(Children())
        # Directly: a proxy has no way to this machine's loopback.
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=10, trust_env=False))
        yield _Stage(
            options=options,
            screen=screen,
            stop=stop,
            logs=logs,
            collector=collector,
            children=children,
            client=client,
            directory=directory,
        )


async def _watched(stage: _Stage) -> int:
    """Perform while all children live; should one end by itself, show its last words instead."""
    shop = await open_shop(
        stage.children, stage.options.port, stage.logs, stage.directory, stage.collector.url
    )
    url = None
    if stage.options.prometheus:
        services = shop.services.values()
        url = await prometheus.start(stage.children, services, stage.directory, stage.logs)
    death = asyncio.create_task(stage.children.first_end())
    performance = asyncio.create_task(_perform(stage, shop, url))
    try:
        await asyncio.wait({death, performance}, return_when=asyncio.FIRST_COMPLETED)
        if performance.done() and performance.exception() is None:
            return FINE
        # Who asked a service that has just ended fails a moment before its end is known.
        await asyncio.wait({death}, timeout=_GRACE_SECONDS)
        if not death.done():
            return await performance
        return _mourn(stage.screen, death.result())
    finally:
        for task in (death, performance):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(death, performance, return_exceptions=True)


def _mourn(screen: Screen, child: Child) -> int:
    screen.clear()
    screen.say(report.died(child, screen))
    return REMOTE_FAILED


async def _perform(stage: _Stage, shop: Shop, prometheus_url: str | None) -> int:
    screen, stop = stage.screen, stage.stop
    screen.show([[Part("Opening the shop ...", "dim")]])
    await shop.ready(stage.client, stop)
    if prometheus_url is not None:
        await prometheus.ready(stage.client, prometheus_url, stop)
    if stop.is_set():
        return FINE
    screen.clear()
    screen.say(report.addresses(shop.services, stage.logs, stage.collector.url))
    if prometheus_url is not None:
        screen.say([report.entry("prometheus", f"{prometheus_url}/graph")])
    screen.say(report.passed_over(shop.services.values(), stage.options.port))
    scraper, traffic = Scraper(stage.client, shop), Traffic(stage.client, shop["storefront"].url)
    await scraper.scrape()
    customers = asyncio.create_task(traffic.run(stop))
    try:
        await _watch(stage, shop, scraper)
        await customers
    finally:
        customers.cancel()
    await _conclude(stage, shop, scraper, traffic)
    if prometheus_url is not None:
        await _query(stage, scraper.all(), prometheus_url)
    screen.say([report.EMPTY])
    return FINE


async def _watch(stage: _Stage, shop: Shop, scraper: Scraper) -> None:
    """Show the table until it is over; on a terminal also the first request that fails."""
    screen, stop = stage.screen, stage.stop
    seconds = stage.options.seconds or (None if screen.live else _SECONDS_WITHOUT_TERMINAL)
    started, told = monotonic(), False
    over = stop.set if seconds is None else asyncio.get_running_loop().call_later(seconds, stop.set).cancel
    if not screen.live:
        screen.say([report.EMPTY, *brief_heading(shop.services)])
    while not await _is_over(stop, _REDRAW_SECONDS if screen.live else _LINE_SECONDS):
        stage.children.trim()
        await scraper.scrape()
        recent, elapsed = scraper.recent(), monotonic() - started
        if not screen.live:
            screen.say([brief(recent.pages, recent.seconds, elapsed)])
            continue
        told = told or stage.story(shop)
        screen.show(
            [
                report.EMPTY,
                report.clock(elapsed, seconds, recent.seconds),
                report.EMPTY,
                *table(recent.pages, recent.seconds, screen.width),
            ]
        )
    over()


async def _conclude(stage: _Stage, shop: Shop, scraper: Scraper, traffic: Traffic) -> None:
    """Tell of the whole run."""
    screen = stage.screen
    screen.clear()
    await scraper.scrape()
    whole = scraper.all()
    screen.say(report.measured(whole.pages, whole.seconds, screen))
    screen.say(report.sent(traffic.answers))
    deadline = monotonic() + _SPANS_SECONDS
    while not stage.story(shop):
        if monotonic() > deadline:
            screen.say([report.EMPTY, [Part("No request failed that passed all three services.")]])
            break
        await asyncio.sleep(_POLL_SECONDS)
    answers = {
        name: (await stage.client.get(f"{service.url}/readyz", params={"verbose": ""})).text
        for name, service in shop.services.items()
    }
    screen.say(report.health(whole.pages, answers))


async def _query(stage: _Stage, whole: Difference, url: str) -> None:
    """Tell what Prometheus says to the same."""
    requests = sum(page.total().requests for page in whole.pages.values())
    await prometheus.caught_up(stage.client, url, requests)
    queries = prometheus.RATES, prometheus.TOTALS
    rates, totals = [await prometheus.ask(stage.client, url, query) for query in queries]
    stage.screen.say(report.queried(queries, rates, totals, whole.seconds))


async def _is_over(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for *stop*, at most *seconds*; say whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
