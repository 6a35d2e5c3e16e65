"""What a page must say, from what the client knows to have happened."""

from typing import Final

from tests.servers_workers.page import Page

PREFIXES: Final = ("early", "late")
"""Metrics made before setup() was called, and afterwards."""

Counted = dict[str, float]


def counted(page: Page) -> Counted:
    """Return all that a page says of the acts, by the name of the series."""
    found: Counted = {}
    for prefix in PREFIXES:
        for series, bound in _SERIES:
            name = f"{prefix}_{series}"
            labels = {"le": bound} if bound else {}
            found[f"{name}{bound}"] = round(page.total(name, **labels), 6)
    return found


def truth(acts: int) -> Counted:
    """Return what is to be said of so many acts."""
    return {
        f"{prefix}_{series}{bound}": round(factor * acts, 6)
        for prefix in PREFIXES
        for (series, bound), factor in _SERIES.items()
    }


def between(low: Counted, found: Counted, high: Counted) -> bool:
    """Tell whether each number is between two others.

    OpenTelemetry's are read once a second, so a worker that is killed takes a second of them with it.
    """
    return all(low[name] <= found[name] <= high[name] for name in low if "_otel_" not in name)


def apart(low: Counted, found: Counted, high: Counted) -> str:
    """Return what is not between two others, in words."""
    return "; ".join(
        f"{name} is {found[name]}, not {low[name]} to {high[name]}"
        for name in low
        if not low[name] <= found[name] <= high[name]
    )


def requests(page: Page) -> float:
    """Return how many acts the page says to have been asked for over HTTP."""
    return page.total("http_server_request_duration_seconds_count", http_route="/act")


_SERIES: Final = {
    ("labelled_total", ""): 1,
    ("plain_total", ""): 2,
    ("seconds_bucket", "0.1"): 1,
    ("seconds_bucket", "1.0"): 2,
    ("seconds_bucket", "10.0"): 3,
    ("seconds_bucket", "+Inf"): 3,
    ("seconds_count", ""): 3,
    ("seconds_sum", ""): 5.55,
    ("by_kind_seconds_bucket", "0.1"): 0,
    ("by_kind_seconds_bucket", "1.0"): 1,
    ("by_kind_seconds_count", ""): 1,
    ("by_kind_seconds_sum", ""): 0.5,
    ("size_count", ""): 1,
    ("size_sum", ""): 3,
    ("otel_acts_total", ""): 1,
    ("otel_seconds_count", ""): 1,
    ("otel_seconds_sum", ""): 0.5,
}
"""What one act adds to each series."""

_VOLATILE: Final = ("process_", "python_gc_", "python_threads", "asyncio_", "system_", "observekit_")


def steady(page: Page) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the series that say the same at any time, as long as nobody acts."""
    return {
        (sample.name, sample.labels): sample.value
        for sample in page.samples
        if not sample.name.startswith(_VOLATILE) and ("http_route", "/pid") not in sample.labels
    }


def levels(page: Page, prefix: str) -> dict[str, list[float]]:
    """Return the values of the gauges by mode; those of single workers in order."""
    modes = [name.rpartition("_")[2] for name in page.types if name.startswith(f"{prefix}_gauge_")]
    return {
        mode: sorted(sample.value for sample in page.find(f"{prefix}_gauge_{mode}", what="level"))
        for mode in modes
    }


def true_levels(levels: dict[int, int], last: int, living: set[int]) -> dict[str, list[float]]:
    """Return what the gauges must be, from the level of every worker that has set one."""
    every = sorted(map(float, levels.values()))
    now = sorted(float(level) for pid, level in levels.items() if pid in living)
    return {
        "all": now,
        "liveall": now,
        "min": every[:1],
        "livemin": now[:1],
        "max": every[-1:],
        "livemax": now[-1:],
        "sum": [sum(every)],
        "livesum": [sum(now)] if now else [],
        "mostrecent": [float(last)],
    }
