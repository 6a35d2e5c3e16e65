"""What is said around the table: addresses, the story of a failed request, health, and how it ended."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from observekit.cli.demo.processes import Child
from observekit.cli.demo.scrape import Page
from observekit.cli.demo.screen import Line, Part, Screen, Style
from observekit.cli.demo.shop import Service
from observekit.cli.demo.spans import Span
from observekit.cli.demo.story import log_lines, record_of, records_of, trace_lines
from observekit.cli.demo.tables import table

EMPTY: Final[Line] = ()
_NAME: Final = 12
_MINUTE: Final = 60.0


def addresses(services: Mapping[str, Service], logs: Path, collector: str) -> Iterator[Line]:
    """Yield where everything is, for whoever wants to look himself."""
    yield EMPTY
    yield [Part("The shop is open; buy something: "), Part(f"{services['storefront'].url}/", "bold")]
    yield EMPTY
    for name, service in services.items():
        yield entry(name, f"{service.url}/metrics  {service.url}/readyz?verbose")
    yield entry("logs", f"{logs}/*.jsonl")
    yield entry("traces", f"come in at {collector}/v1/traces, over OTLP")


def entry(name: str, text: str) -> Line:
    """Return one line of addresses()."""
    return [Part(f"{name:<{_NAME}}", "bold"), Part(text)]


def passed_over(services: Iterable[Service], base: int) -> Iterator[Line]:
    """Yield which ports were taken, if any were."""
    ports = [service.port for service in services]
    taken = sorted(set(range(base, max(ports) + 1)) - set(ports))
    if taken:
        listed = ", ".join(map(str, taken))
        verb = "are" if len(taken) > 1 else "is"
        yield [Part(f"{listed} {verb} taken; the services listen on {', '.join(map(str, ports))}.", "yellow")]


def clock(elapsed: float, seconds: float | None, window: float) -> Line:
    """Return the line above the live table."""
    end = ", Ctrl-C ends it" if seconds is None else f" of {seconds:.0f} s"
    return [
        Part(f"{elapsed:.0f} s", "bold"),
        Part(end),
        Part(f"   the last {window:.0f} s, from the /metrics page of each service", "dim"),
    ]


def measured(pages: Mapping[str, Page], seconds: float, screen: Screen) -> Iterator[Line]:
    """Yield the table of the whole run."""
    yield EMPTY
    yield [Part(f"The whole run, {seconds:.0f} s, from the /metrics page of each service", "bold")]
    yield EMPTY
    yield from table(pages, seconds, screen.width)


def sent(answers: Counter[str]) -> Iterator[Line]:
    """Yield what the customers were answered, to be compared with what the storefront has counted."""
    kinds = {"fine": "23", "refused (4xx)": "4", "failed (5xx)": "5", "without an answer": "n"}
    numbers = (
        f"{sum(number for status, number in answers.items() if status[0] in first)} {kind}"
        for kind, first in kinds.items()
    )
    told = ", ".join(text for text in numbers if not text.startswith("0 "))
    yield EMPTY
    yield [Part(f"{answers.total()} requests were sent: {told}.")]


def failed_request(
    trace: Collection[Span], logs: Path, names: Iterable[str], screen: Screen
) -> Iterator[Line]:
    """Yield one request as its trace and its log lines."""
    trace_id = next(iter(trace)).trace_id
    yield EMPTY
    yield [Part("A request that failed, trace ", "bold"), Part(trace_id)]
    yield EMPTY
    yield from trace_lines(trace, screen.width, screen.marks)
    yield EMPTY
    yield [Part("Its log lines, joined by trace_id", "bold")]
    yield EMPTY
    records = records_of(trace_id, [logs / f"{name}.jsonl" for name in names])
    yield from log_lines(records, screen.width, screen.marks)


def health(pages: Mapping[str, Page], answers: Mapping[str, str]) -> Iterator[Line]:
    """Yield the state of each service and what it answers to /readyz?verbose."""
    yield EMPTY
    yield [Part("Health, from /readyz?verbose", "bold")]
    yield EMPTY
    for name, answer in answers.items():
        state = pages[name].state
        style: Style = "green" if state == "ready" else "red"
        *checks, word = answer.splitlines() or [""]
        yield [Part(f"{name:<{_NAME}}"), Part(f"{state:<{_NAME}}", style), Part("  ".join((word, *checks)))]


def queried(
    queries: tuple[str, str], rates: Mapping[str, float], totals: Mapping[str, float], seconds: float
) -> Iterator[Line]:
    """Yield what Prometheus says to two *queries*, for rates over a minute and for totals."""
    yield EMPTY
    yield [Part("Prometheus, over all services", "bold")]
    if seconds < _MINUTE:
        yield [Part(f"The shop was open for {seconds:.0f} s of the minute that the rates are over.", "dim")]
    yield EMPTY
    yield [Part(f"RATE: {queries[0]}", "dim")]
    yield [Part(f"REQUESTS: {queries[1]}", "dim")]
    yield EMPTY
    yield [Part(f"{'RATE':>9}{'REQUESTS':>10}  ROUTE", "dim")]
    for route, total in sorted(totals.items(), key=lambda one: -one[1]):
        yield [Part(f"{rates.get(route, 0.0):7.2f}/s{total:10.0f}  {route}")]


def died(child: Child, screen: Screen) -> Iterator[Line]:
    """Yield that a child has ended by itself, and its last words."""
    yield EMPTY
    yield [Part(f"{child.name} has ended by itself, with exit code {child.process.returncode}.", "red")]
    yield [Part("Its last lines:")]
    yield EMPTY
    for line in child.last_lines():
        record = record_of(line)
        yield from log_lines([record], screen.width, screen.marks) if record else [[Part(line)]]
