"""CPU time of a request, in process: a process for each row, rounds in turn, each round in another order."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

from benchmarks.processes import Worker, arrived, sink
from benchmarks.rows import BY_NAME, ROWS, Row
from benchmarks.stats import Spread, spread

_MICROSECONDS = 1e6
_SEED = 20_26


class Effort(NamedTuple):
    """How long to measure.

    Attributes:
        generations: How often all processes start anew: where their memory lies makes a difference.
        rounds: Rounds for each generation.
        requests: Requests for each round and row; a multiple of the 512 spans of a usual batch.
        warm_up: Requests before the first round.
    """

    generations: int
    rounds: int
    requests: int
    warm_up: int


class Requests:
    """What was measured: CPU microseconds a request, for each row and round."""

    def __init__(self, rows: dict[str, list[float]]) -> None:
        self._rows = rows

    def total(self, row: Row) -> Spread:
        """Return what a request costs in all."""
        return spread(self._rows[row.name])

    def added(self, row: Row) -> Spread:
        """Return what is added to the row's base, round by round."""
        return spread(self._added(row))

    def ratio(self, row: Row, other: Row) -> Spread:
        """Return what *row* adds as a share of what *other* adds, round by round."""
        pairs = zip(self._added(row), self._added(other), strict=True)
        return spread([mine / theirs for mine, theirs in pairs])

    def _added(self, row: Row) -> list[float]:
        return [mine - base for mine, base in zip(self._rows[row.name], self._rows[row.base], strict=True)]


def measure(effort: Effort) -> Requests:
    """Measure every row."""
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    found: dict[str, list[float]] = {row.name: [] for row in ROWS}
    for generation in range(effort.generations):
        with sink() as sink_url, _workers(sink_url) as workers:
            for row in ROWS:
                workers[row.name].ask(effort.warm_up)
                arrived(sink_url, row.name)
            for number in range(effort.rounds):
                print(
                    f"requests: processes {generation + 1}/{effort.generations}, round {number + 1}",
                    flush=True,
                )
                for name in order.sample(list(found), len(found)):
                    found[name].append(_round(name, workers[name], sink_url, effort.requests))
    return Requests(found)


def _round(name: str, worker: Worker, sink_url: str, requests: int) -> float:
    told = worker.ask(requests)
    if told["good"] != requests or told["lost"]:
        raise RuntimeError(
            f"{name!r} answered {told['good']} of {requests} requests, and lost {told['lost']}."
        )
    _check_spans(BY_NAME[name], arrived(sink_url, name), requests)
    return float(told["seconds"]) / requests * _MICROSECONDS


def _check_spans(row: Row, spans: int, requests: int) -> None:
    """Refuse a round in which not every span arrived: its cost would be missing."""
    wanted = row.spans * requests * row.sampled
    # Of 512 requests none may be among the 1 % that are sampled, and of 1,024 hardly more than 40.
    usual = spans == wanted if row.sampled in {0.0, 1.0} else spans <= 4 * wanted
    if not usual:
        raise RuntimeError(f"{spans} spans of {row.name!r} arrived, but {wanted:.0f} were made.")


@contextmanager
def _workers(sink_url: str) -> Iterator[dict[str, Worker]]:
    workers = {row.name: Worker(row.name, sink_url) for row in ROWS}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.end()
