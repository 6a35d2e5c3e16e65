"""All that is measured of several workers, in rounds, each in another order."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.stats import Spread, spread
from benchmarks.workers.child import CELLS, MULTI, OURS, SINGLE, Child, children

WORKERS = 16
LINES = 10_000
SERIES = 100_000
BELOW = 20
"""How many gauges below zero each worker has, in the pages that are made with such."""
CALLS = ("increment", "observation")
LABELLED = ("increment-labels", "observation-labels")
DEATHS = {OURS: (4, 64, 256, 1_000, 10_000), MULTI: (4, 64, 256)}
"""After how many dead workers there is a look; prometheus-client's page takes seconds after some hundred."""

_SEED = 20_26
Rounds = dict[str, dict[str, list[float]]]


class Dying(NamedTuple):
    """A page after so many deaths, in CPU milliseconds, and the files that there are then."""

    milliseconds: Spread
    files: float


class Measured(NamedTuple):
    """What was measured, by variant."""

    rounds: int
    calls: Rounds
    pages: Rounds
    below: Rounds
    sizes: dict[str, dict[str, float]]
    dying: dict[str, dict[int, Dying]]
    shown: dict[str, dict[str, Any]]


def measure(*, quick: bool) -> Measured:
    """Measure all of it."""
    rounds = 3 if quick else 15
    return Measured(
        rounds,
        calls=_calls(rounds),
        pages=_pages(rounds),
        below=_below(rounds),
        sizes=_sizes(),
        dying=_dying(quick=quick),
        shown=_shown(),
    )


def ratio(rounds: Rounds, what: str, one: str, other: str, of: str = "") -> Spread:
    """Return *one* as a share of *other*, round by round; of its *of*, if that is not the same."""
    pairs = zip(rounds[one][what], rounds[other][of or what], strict=True)
    return spread([mine / theirs for mine, theirs in pairs])


def _calls(rounds: int) -> Rounds:
    print("workers: increments and observations", flush=True)
    return _in_turn("counting", (OURS, CELLS, SINGLE, MULTI), (*CALLS, *LABELLED), rounds)


def _pages(rounds: int) -> Rounds:
    print(f"workers: pages of {WORKERS} workers", flush=True)
    return _in_turn("scraping", (OURS, CELLS, MULTI), ("page",), rounds, WORKERS, LINES)


def _below(rounds: int) -> Rounds:
    print("workers: the same pages with gauges below zero", flush=True)
    return _in_turn("scraping", (OURS, CELLS), ("page",), rounds, WORKERS, LINES, BELOW)


def _sizes() -> dict[str, dict[str, float]]:
    print(f"workers: what each of {SERIES:,} series takes", flush=True)
    with children("benchmarks.workers.sizes", (OURS, CELLS, SINGLE, MULTI), SERIES) as started:
        return {variant: child.ask("sizes") for variant, child in started.items()}


def _in_turn(
    module: str, variants: tuple[str, ...], asked: tuple[str, ...], rounds: int, *arguments: object
) -> Rounds:
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    found: Rounds = {variant: {what: [] for what in asked} for variant in variants}
    with children(f"benchmarks.workers.{module}", variants, *arguments) as started:
        for number in range(rounds + 1):
            for variant in order.sample(variants, len(variants)):
                for what in asked:
                    if variant == CELLS and what in LABELLED:
                        continue
                    took = started[variant].ask(what)
                    if number:  # The first warms up.
                        found[variant][what].append(took)
    return found


def _dying(*, quick: bool) -> dict[str, dict[int, Dying]]:
    found: dict[str, dict[int, Dying]] = {}
    with children("benchmarks.workers.dying", (OURS, MULTI)) as started:
        for variant, child in started.items():
            found[variant] = {}
            for count in DEATHS[variant]:
                if quick and count > DEATHS[MULTI][-1]:
                    continue
                print(f"workers: {variant}, after {count:,} have died", flush=True)
                files = child.ask(str(count))["files"]
                pages = [child.ask("page") for _ in range(5)]
                found[variant][count] = Dying(spread(pages), files)
    return found


def _shown() -> dict[str, dict[str, Any]]:
    print("workers: what is shown", flush=True)
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as home:
        for variant in (SINGLE, OURS, MULTI):
            first = _asked(variant, Path(home, variant))
            again = _asked(variant, Path(home, variant))
            found[variant] = first | {"again": again.get("orders")}
    return found


def _asked(variant: str, directory: Path) -> dict[str, Any]:
    child = Child("benchmarks.workers.showing", variant, directory)
    try:
        shown: dict[str, Any] = child.ask("shown")
        return shown if variant == SINGLE else shown | child.ask("kill")
    finally:
        child.end()
