"""Clients that ask all the time, and whoever watches the totals meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from tests.servers_workers.page import Labels
from tests.servers_workers.service import Service

Totals = dict[tuple[str, Labels], float]

CLIENTS: Final = 4


@contextmanager
def busy(service: Service) -> Iterator[None]:
    """Have clients ask for acts all the time."""
    over = Event()

    def ask() -> None:
        while not over.is_set():
            service.act()

    clients = [Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


def watch(service: Service, highest: Totals) -> None:
    """Read a page, and refuse one on which a total is lower than on an earlier one, or gone."""
    page = service.any_page()
    if page is None:
        return
    now = page.cumulative()
    wrong = {key: (value, now.get(key)) for key, value in highest.items() if now.get(key, -1.0) < value}
    assert not wrong, wrong
    highest.update(now)
