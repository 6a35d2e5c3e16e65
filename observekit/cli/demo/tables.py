"""The table that an operator looks at: each service and route with rate, errors and latency."""

from collections.abc import Iterable, Iterator, Mapping

from observekit.cli.demo.scrape import Counts, Endpoint, Page, quantile
from observekit.cli.demo.screen import Line, Part, Style
from observekit.cli.demo.words import NOTHING, duration, rate, share
from observekit.semconv import UNMATCHED_ROUTE

# Slower than this at the 95th percentile is worth a colour.
# Source: the checkout of a sofa, the slowest thing that works as intended, takes 0.3 s.
_SLOW_SECONDS = 0.25
_NUMBERS = (9, 8, 7, 7, 8, 8)
_HEADINGS = ("REQUESTS", "RATE", "4XX", "5XX", "P50", "P95")
_LABEL = 28
_BRIEF = 24


def table(pages: Mapping[str, Page], seconds: float, width: int) -> Iterator[Line]:
    """Yield the table of what came in within *seconds*, by service.

    Args:
        pages: For each service the difference of two pages.
        seconds: The time between them.
        width: Columns there are; the table takes at least 76.
    """
    label = max(_LABEL, min(width - sum(_NUMBERS), 40))
    yield [Part("".join(("SERVICE, ROUTE".ljust(label), *_right(_HEADINGS))), "dim")]
    for name, page in pages.items():
        # No word for the state where it is the usual one.
        state = "" if page.state == "ready" else f"  {page.state}"
        yield _row(f"{name}{state}", "bold", page.total(), seconds, label)
        for endpoint in sorted(page.endpoints, key=_order):
            text = f"  {endpoint.method:<4} {endpoint.route}"
            yield _row(text, "plain", page.endpoints[endpoint], seconds, label)


def brief_heading(names: Iterable[str]) -> Iterator[Line]:
    """Yield the heading over brief()."""
    columns = [f"{name:<{_BRIEF}}" for name in names]
    yield [Part("        " + "".join(columns), "bold")]
    yield [Part("  TIME  " + f"{'RATE':<8}{'5XX':<8}{'P95':<8}" * len(columns), "dim")]


def brief(pages: Mapping[str, Page], seconds: float, elapsed: float) -> Line:
    """Return one line of the same for all services, where there is no terminal to draw a table on."""
    numbers = "".join(_brief(page.total(), seconds) for page in pages.values())
    return [Part(f"{elapsed:4.0f} s  {numbers}")]


def _brief(counts: Counts, seconds: float) -> str:
    values = (
        rate(counts.requests, seconds),
        share(counts.share("5")),
        duration(quantile(0.95, counts.buckets)),
    )
    return "".join(f"{value:<8}" for value in values)


def _row(text: str, style: Style, counts: Counts, seconds: float, width: int) -> Line:
    slow = quantile(0.95, counts.buckets)
    values = (
        f"{counts.requests:.0f}",
        rate(counts.requests, seconds),
        share(counts.share("4")),
        share(counts.share("5")),
        duration(quantile(0.5, counts.buckets)),
        duration(slow),
    )
    styles: tuple[Style, ...] = ("plain", style, "yellow", "red", style, _style_of(slow))
    label = text if len(text) < width else f"{text[: width - 3]}.."
    numbers = zip(_right(values), values, styles, strict=True)
    return [
        Part(label.ljust(width), style),
        *(Part(shown, "dim" if value in {NOTHING, "0"} else look) for shown, value, look in numbers),
    ]


def _style_of(seconds: float) -> Style:
    return "yellow" if seconds > _SLOW_SECONDS else "plain"


def _right(values: tuple[str, ...]) -> Iterator[str]:
    return (value.rjust(width) for value, width in zip(values, _NUMBERS, strict=True))


def _order(endpoint: Endpoint) -> tuple[bool, str, str]:
    return endpoint.route == UNMATCHED_ROUTE, endpoint.route, endpoint.method
