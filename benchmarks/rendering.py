"""CPU time of a metrics page by prometheus-client's renderer and by ours.

``python -m benchmarks.rendering LINES ROUNDS``: all in one process, each round in another order.
"""

import gc
import sys
from collections.abc import Callable
from random import Random
from time import process_time

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.child import Measured, tell
from benchmarks.series import client_counters, client_metrics, own_cells
from observekit.metrics.exposition import Exposition

_SEED = 20_26
_MILLISECONDS = 1e3
_TEXT = "text/plain;version=0.0.4"
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def main() -> None:
    """Measure as the arguments say."""
    lines, rounds = map(int, sys.argv[1:3])
    renderers = _renderers(lines)
    # Also what our renderer makes of a page the first time, when it has not kept the text of its lines yet.
    found: Measured = {f"{name}-first": [_time(render)] for name, render in renderers.items()}
    found |= {name: [] for name in renderers}
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    for _ in range(rounds):
        for name in order.sample(list(renderers), len(renderers)):
            found[name].append(_time(renderers[name]))
    tell(found)


def _renderers(lines: int) -> dict[str, Callable[[], object]]:
    theirs, counters, ours = CollectorRegistry(), CollectorRegistry(), CollectorRegistry()
    client_metrics(theirs, lines)
    client_counters(counters, lines)
    own_cells(ours, lines)
    over_theirs, over_ours = _exposition(theirs), _exposition(ours)
    over_counters = _exposition(counters)
    if over_theirs.render(_TEXT).body != generate_latest(theirs):
        raise RuntimeError("the pages differ")
    over_theirs = _exposition(theirs)
    return {
        "client-text": lambda: generate_latest(theirs),
        "client-openmetrics": lambda: generate_openmetrics(theirs),
        "kept-text": lambda: over_theirs.render(_TEXT),
        "kept-openmetrics": lambda: over_theirs.render(_OPENMETRICS),
        "client-counters-text": lambda: generate_latest(counters),
        "client-counters-openmetrics": lambda: generate_openmetrics(counters),
        "kept-counters-text": lambda: over_counters.render(_TEXT),
        "kept-counters-openmetrics": lambda: over_counters.render(_OPENMETRICS),
        "cells-text": lambda: over_ours.render(_TEXT),
        "cells-openmetrics": lambda: over_ours.render(_OPENMETRICS),
    }


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
