"""CPU time of a metrics page by prometheus-client's renderer and by ours.

``python -m benchmarks.rendering LINES ROUNDS``: all in one process, each round in another order.
"""

import gc
import sys
from collections.abc import Callable
from functools import partial
from random import Random
from time import process_time
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.child import Measured, tell
from benchmarks.series import client_counters, client_metrics, own_cells
from observekit.metrics.exposition import Exposition

_SEED = 20_26
_MILLISECONDS = 1e3
_TEXT = "text/plain;version=0.0.4"
_ACCEPTS = {"text": _TEXT, "openmetrics": "application/openmetrics-text;version=1.0.0"}


def main() -> None:
    """Measure as the arguments say."""
    lines, rounds = map(int, sys.argv[1:3])
    pages = _pages(lines)
    # Also what our renderer makes of a page the first time, when it has not kept the text of its lines yet.
    found: Measured = {f"{name}-first": [_time(page.render)] for name, page in pages.items()}
    found |= {name: [] for name in pages}
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    for _ in range(rounds):
        for name in order.sample(list(pages), len(pages)):
            pages[name].change()
            found[name].append(_time(pages[name].render))
    tell(found)


class _Page(NamedTuple):
    """What renders a page, and what is done to its series before."""

    render: Callable[[], object]
    change: Callable[[], object]


def _pages(lines: int) -> dict[str, _Page]:
    pages: dict[str, _Page] = {}
    for suffix, put in (("", client_metrics), ("-counters", client_counters)):
        theirs, still = CollectorRegistry(), CollectorRegistry()
        change = put(theirs, lines)
        put(still, lines)
        if _exposition(theirs).render(_TEXT).body != generate_latest(theirs):
            raise RuntimeError("the pages differ")
        ours, over_still = _exposition(theirs), _exposition(still)
        pages |= {
            f"client{suffix}-text": _Page(partial(generate_latest, theirs), change),
            f"client{suffix}-openmetrics": _Page(partial(generate_openmetrics, theirs), change),
        }
        for form, accept in _ACCEPTS.items():
            pages[f"kept{suffix}-{form}"] = _Page(partial(ours.render, accept), change)
            pages[f"still{suffix}-{form}"] = _Page(partial(over_still.render, accept), _nothing)
    registry = CollectorRegistry()
    change = own_cells(registry, lines)
    cells = _exposition(registry)
    return pages | {
        f"cells-{form}": _Page(partial(cells.render, accept), change) for form, accept in _ACCEPTS.items()
    }


def _nothing() -> None:
    """Leave every series as it was at the page before."""


def _exposition(registry: CollectorRegistry) -> Exposition:
    return Exposition(registry, _fail, lambda _: None)


def _fail(collector: str, error: Exception) -> None:
    raise RuntimeError(f"{collector} was left out") from error


def _time(render: Callable[[], object]) -> float:
    """Return the CPU milliseconds of one page."""
    gc.collect()  # Nobody pays for what another has left behind.
    started = process_time()
    render()
    return (process_time() - started) * _MILLISECONDS


if __name__ == "__main__":
    main()
