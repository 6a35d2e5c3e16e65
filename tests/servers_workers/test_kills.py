"""A worker that is killed takes nothing with it but what it held."""

import http.client
import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from tests.servers_workers.load import CLIENTS, Totals, busy, watch
from tests.servers_workers.page import Page
from tests.servers_workers.servers import some
from tests.servers_workers.service import ANSWER_SECONDS, Service
from tests.servers_workers.truth import PREFIXES, between, counted, levels, requests, true_levels, truth

pytestmark = pytest.mark.once

Numbers = dict[str, float]

each = pytest.mark.parametrize("service", some("gunicorn-uvicorn-preload", restarts=True), indirect=True)
"""With a server that replaces workers that were killed; in the long form with each of them."""
measured = pytest.mark.parametrize(
    "service", some("gunicorn-uvicorn-preload", restarts=True, wsgi=False), indirect=True
)
"""With one whose requests are measured; those of WSGI applications are not."""


def kill(service: Service) -> int:
    """Kill a worker, and wait until another is in its place."""
    victim = service.by_age()[0]
    os.kill(victim, signal.SIGKILL)
    assert victim not in service.living()
    return victim


@contextmanager
def held(service: Service, count: int) -> Iterator[list[http.client.HTTPConnection]]:
    """Hold requests open, with two workers at least."""
    with ExitStack() as stack:
        by_worker: dict[int, list[http.client.HTTPConnection]] = {}

        def spread() -> bool:
            client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=ANSWER_SECONDS)
            stack.enter_context(closing(client)).request("GET", "/pid")
            by_worker.setdefault(int(client.getresponse().read()), []).append(client)
            return len(by_worker) > 1 and sum(map(len, by_worker.values())) >= count

        service.until(spread)
        # Of each worker some, so that no connection is left of those that are killed alone.
        first, second, *others = by_worker.values()
        clients = [first.pop(), second.pop(), *(one for some in (first, second, *others) for one in some)]
        for client in clients[:count]:
            client.request("GET", "/hold")
        yield clients[:count]


def is_open(client: http.client.HTTPConnection) -> bool:
    """Tell whether there is somebody at the other end."""
    # Nothing is ever answered: what can be read is the end.
    readable, _, _ = select.select([client.sock], [], [], 0)
    return not readable


def agreed(service: Service, value: Callable[[Page], Numbers]) -> Numbers:
    """Return what all pages say."""
    found: list[Numbers] = []

    def the_same(page: Page) -> bool:
        found.append(value(page))
        return found[-1] == found[0]

    def all_the_same() -> bool:
        found.clear()
        return all(map(the_same, service.pages().values()))

    service.until(all_the_same)
    return found[0]


def at_once(page: Page) -> Numbers:
    """Return what is counted as it happens: all but OpenTelemetry's, which is read once a second."""
    return {name: number for name, number in counted(page).items() if "_otel_" not in name}


def plus(numbers: Numbers, acts: int) -> Numbers:
    more = truth(acts)
    return {name: round(number + more[name], 6) for name, number in numbers.items()}


@each
def test_what_a_killed_worker_has_counted_stays(service: Service) -> None:
    before = agreed(service, at_once)
    acts = service.act_everywhere()
    service.wait_for(lambda page: at_once(page) == plus(before, acts))

    kill(service)
    more = service.act_everywhere()

    service.wait_for(lambda page: at_once(page) == plus(before, acts + more))


@each
def test_no_total_falls_while_workers_are_killed_under_load(service: Service) -> None:
    journal = service.journal
    before = agreed(service, at_once)
    answered, cut = journal.answered, journal.cut
    highest: Totals = {}

    with busy(service):
        for _ in range(2):
            victim = service.by_age()[0]
            os.kill(victim, signal.SIGKILL)
            for _ in range(20):
                watch(service, highest)
            assert victim not in service.living()
        watch(service, highest)

    acts = journal.answered - answered
    low, high = plus(before, acts), plus(before, acts + journal.cut - cut)
    # granian's workers have a queue of connections each, which is cut off with them.
    assert journal.cut - cut <= 10 * CLIENTS
    service.wait_for(lambda page: between(low, at_once(page), high))


@measured
def test_requests_in_flight_in_a_killed_worker_are_no_longer_in_flight(service: Service) -> None:
    def in_flight(page: Page) -> list[float]:
        return [
            page.total("http_server_active_requests"),
            page.total("early_held"),
            page.total("late_held"),
        ]

    with held(service, 9) as clients:
        # The one that asks for the page holds none: /metrics is no request of the application's.
        service.wait_for(lambda page: in_flight(page) == [9.0] * 3)
        for victim in service.by_age()[:-1]:
            os.kill(victim, signal.SIGKILL)
        service.wait_for(lambda page: in_flight(page) == [float(sum(map(is_open, clients)))] * 3)
        assert not all(map(is_open, clients))
    service.wait_for(lambda page: in_flight(page) == [0.0] * 3)


@measured
def test_requests_are_counted_once_whoever_is_killed(service: Service) -> None:
    before = agreed(service, lambda page: {"requests": requests(page)})["requests"]
    acts = service.act_everywhere()
    service.wait_for(lambda page: requests(page) == before + acts)

    kill(service)
    more = service.act_everywhere()

    service.wait_for(lambda page: requests(page) == before + acts + more)


@each
def test_gauges_of_the_dead_are_gone_or_kept_as_their_mode_says(service: Service) -> None:
    service.level_everywhere()
    victim = kill(service)
    journal = service.journal
    wanted = true_levels(journal.levels, journal.last, service.living())
    living = {pid: level for pid, level in journal.levels.items() if pid in service.living()}
    if journal.last != victim:
        wanted["livemostrecent"] = [float(journal.last)]

    def said(page: Page, prefix: str) -> dict[str, list[float]]:
        found = levels(page, prefix)
        if journal.last == victim:
            assert set(found.pop("livemostrecent")) <= set(map(float, living.values()))
        return found

    service.wait_for(lambda page: all(said(page, prefix) == wanted for prefix in PREFIXES))


@each
def test_the_numbers_of_workers_are_used_again(service: Service) -> None:
    kill(service)
    kill(service)
    service.act_everywhere()

    def slots(page: Page) -> set[str]:
        return {dict(sample.labels).get("worker", "") for sample in page.find("process_cpu_seconds_total")}

    service.wait_for(lambda page: slots(page) == {str(number) for number in range(service.server.processes)})


@each
def test_files_of_the_dead_are_removed(service: Service) -> None:
    kill(service)
    service.act_everywhere()
    least = 2 * service.server.processes

    # Each has its keys, its values, and perhaps exemplars; there is a lock, and the sum of the dead.
    service.until(lambda: least <= len(service.files()) <= least / 2 * 3 + 2)
