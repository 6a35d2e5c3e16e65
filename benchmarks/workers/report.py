"""What is said about several workers, as Markdown."""

from collections.abc import Iterator

from benchmarks.stats import Spread, spread
from benchmarks.workers.child import CELLS, MULTI, OURS, SINGLE
from benchmarks.workers.measured import BELOW, CALLS, LABELLED, LINES, SERIES, WORKERS, Measured, ratio

_METHOD = """\
Each row runs in a process of its own, because prometheus-client decides when it is imported how it keeps
values; {rounds} rounds in turn, each in another order, medians of CPU time with quartiles in brackets.
Files are in memory (`/dev/shm`) for all. Counters and histograms are as in the first tables, 14 buckets and
three labels; with several workers there are four that have counted, one of which is measured.
"""
_PAGE_METHOD = """\
The page of {workers} living workers, each with the same {lines:,} lines of one histogram, made by one of
them; prometheus-client's is `MultiProcessCollector` with `generate_latest`.
"""
_SIZES_METHOD = """\
Bytes that each of {series:,} counters with one label takes in a process that counts in all of them, by what
is resident, and in its files. A worker shares 64 MiB of values and 64 MiB of labels at most.
"""
_DYING_METHOD = """\
Four workers live, one of which makes the page; others have counted in 60 series and were killed (SIGKILL).
No exit hook is called, as none is with uvicorn. That all the dead have counted is on the page is checked.
"""
_SHOWN_METHOD = """\
Eight workers with metrics of every kind, seven of which are killed; then the service is started anew, with
nothing done in between.
"""
_TITLES = {
    CELLS: "**observekit**, its own cells, several workers",
    OURS: "**observekit**, a user's prometheus-client metrics, several workers",
    SINGLE: "prometheus-client, one process",
    MULTI: "prometheus-client, multiprocess mode",
}


def lines(measured: Measured) -> Iterator[str]:
    """Yield the section."""
    yield "\n## Several workers\n"
    yield from _budgets(measured)
    yield ""
    yield _METHOD.format(rounds=measured.rounds)
    yield from _calls(measured)
    yield ""
    yield _PAGE_METHOD.format(workers=WORKERS, lines=LINES)
    yield from _pages(measured)
    yield ""
    yield _SIZES_METHOD.format(series=SERIES)
    yield from _sizes(measured)
    yield ""
    yield _DYING_METHOD
    yield from _dying(measured)
    yield ""
    yield _SHOWN_METHOD
    yield from _shown(measured)


def _budgets(measured: Measured) -> Iterator[str]:
    yield "| what | budget | measured | |"
    yield "| --- | --- | --: | --- |"
    for what in CALLS:
        # The dearer of both: our cells, and a user's own metrics.
        cost = max(ratio(measured.calls, what, one, SINGLE).median for one in (CELLS, OURS))
        yield (
            f"| {what}, several workers | <= prometheus-client's in one process | {cost:.2f} x "
            f"| {_verdict(cost <= 1)} |"
        )
    share = max(ratio(measured.pages, "page", one, MULTI).median for one in (CELLS, OURS))
    yield (
        f"| page of {WORKERS} workers | <= 1/40 of prometheus-client's | 1/{1 / share:.1f} "
        f"| {_verdict(share <= 1 / 40)} |"
    )
    ours = measured.dying[OURS]
    growth = ours[max(ours)].milliseconds.median / ours[min(ours)].milliseconds.median
    yield (
        f"| page after {max(ours):,} dead workers | <= 1.5 x that after {min(ours)} | {growth:.2f} x "
        f"| {_verdict(growth <= 1.5)} |"
    )


def _calls(measured: Measured) -> Iterator[str]:
    yield "| | increment, us | share | observation, us | share |"
    yield "| --- | --: | --: | --: | --: |"
    for variant, title in _TITLES.items():
        yield f"| {title} | {_cells(measured, variant, CALLS)} |"
        if variant != CELLS:
            yield f"| the same, by `labels()` each time | {_cells(measured, variant, LABELLED)} |"


def _cells(measured: Measured, variant: str, asked: tuple[str, ...]) -> str:
    cells = []
    for what in asked:
        took = spread(measured.calls[variant][what])
        share = "" if variant == SINGLE else _brackets(ratio(measured.calls, what, variant, SINGLE))
        cells += [_brackets(took), share]
    return " | ".join(cells)


def _pages(measured: Measured) -> Iterator[str]:
    yield "| | page, ms | share |"
    yield "| --- | --: | --: |"
    for variant in (CELLS, OURS, MULTI):
        took = _brackets(spread(measured.pages[variant]["page"]), 1)
        share = (
            "" if variant == MULTI else f"1/{1 / ratio(measured.pages, 'page', variant, MULTI).median:.1f}"
        )
        yield f"| {_TITLES[variant].removesuffix(', several workers')} | {took} | {share} |"
        if variant in measured.below:
            yield f"| {_below(measured, variant)} |"


def _below(measured: Measured, variant: str) -> str:
    took = spread(measured.below[variant]["page"])
    share = spread(measured.pages[MULTI]["page"]).median / took.median
    return f"the same, with {BELOW} gauges below zero in each worker | {_brackets(took, 1)} | 1/{share:.1f}"


def _sizes(measured: Measured) -> Iterator[str]:
    yield "| | in memory, bytes | in files, bytes |"
    yield "| --- | --: | --: |"
    for variant, title in _TITLES.items():
        sizes = measured.sizes[variant]
        yield f"| {title} | {sizes['memory']:,.0f} | {sizes['files']:,.0f} |"


def _dying(measured: Measured) -> Iterator[str]:
    yield "| dead workers | observekit, page in ms | files | prometheus-client, page in ms | files |"
    yield "| --: | --: | --: | --: | --: |"
    for count, ours in measured.dying[OURS].items():
        theirs = measured.dying[MULTI].get(count)
        their_cells = (
            "not measured | " if theirs is None else f"{theirs.milliseconds.median:.1f} | {theirs.files:,}"
        )
        yield f"| {count:,} | {ours.milliseconds.median:.1f} | {ours.files:,} | {their_cells} |"


def _shown(measured: Measured) -> Iterator[str]:
    single, ours, theirs = (measured.shown[one] for one in (SINGLE, OURS, MULTI))
    yield "| | true | observekit | prometheus-client's multiprocess mode |"
    yield "| --- | --- | --- | --- |"
    yield f"| counter of the eight, after the kills | 8 | {ours['orders']:.0f} | {theirs['orders']:.0f} |"
    yield f"| gauge (`livesum`), after the kills | 1 | {ours['open']:.0f} | {theirs['open']:.0f} |"
    yield f"| counter of the next start | 8 | {ours['again']:.0f} | {theirs['again']:.0f} |"
    yield f"| exemplars | shown | {_told(ours)} | {_told(theirs)} |"
    missing = [_missing(single["families"], one["families"]) for one in (ours, theirs)]
    yield f"| families of one process that are missing | none | {missing[0]} | {missing[1]} |"


def _told(shown: dict[str, bool]) -> str:
    return "shown" if shown["exemplars"] else "missing"


def _missing(wanted: list[str], found: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in wanted if name not in found) or "none"


def _brackets(values: Spread, digits: int = 2) -> str:
    return f"{values.median:.{digits}f} [{values.low:.{digits}f} to {values.high:.{digits}f}]"


def _verdict(met: bool) -> str:  # noqa: FBT001 -- what it is asked
    return "met" if met else "**not met**"
