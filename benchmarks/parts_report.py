"""What is said about the parts, as Markdown."""

from collections.abc import Iterator

from benchmarks.budgets import PARTS, Limit
from benchmarks.crowd import PATHS, SCRAPERS, SERIES
from benchmarks.parts import HELD, LINES, Parts
from benchmarks.stats import Spread

_CALLS_METHOD = """\
CPU time of a call, in one process, {rounds} rounds of 20,000 calls each, in another order each time;
medians, with quartiles in brackets. A histogram of 14 buckets and three labels. Log lines have five fields
and go to the null device; the time of the thread that writes ours is included.
"""
_CALLS = (
    ("observe-cell", "observe-child", "**observekit**, observation in a cell that is kept"),
    ("observe-child", "observe-child", "prometheus-client, `observe()` of a child that is kept"),
    ("observe-family", "observe-labels", "**observekit**, cell looked up by its labels"),
    ("observe-labels", "observe-labels", "prometheus-client, `labels().observe()`"),
    ("line-ours", "line-structlog", "**observekit**, line of structlog with trace ids and redaction"),
    ("line-structlog", "line-structlog", "structlog with orjson alone, no ids, no redaction"),
    ("line-stdlib", "line-structlog", "logging with python-json-logger"),
    ("line-loguru", "line-structlog", "loguru with `serialize`"),
    ("redacted-ours", "redacted-structlog", "**observekit**, line with three secrets, which are redacted"),
    ("redacted-structlog", "redacted-structlog", "structlog with orjson alone, which writes them"),
    ("redacted-stdlib", "redacted-structlog", "logging with python-json-logger, which does, too"),
    ("redacted-loguru", "redacted-structlog", "loguru with `serialize`, which does, too"),
    ("filtered-ours", "filtered-structlog", "**observekit**, line below the level"),
    ("filtered-structlog", "filtered-structlog", "structlog's own filter"),
)
_SPANS_METHOD = """\
CPU time of a span that is made with `start_as_current_span()` with six attributes, given one more, ended,
and sent over OTLP/HTTP to a collector in another process, which must get all of them; {rounds} rounds of
2,048 spans in one process, beside the SDK's own provider with its batch processor and exporter.
"""
_ENDS_METHOD = """\
Seconds of the end of all telemetry with the default budget and 2,048 spans that wait, beside collectors that
do not take them; those of the SDK's provider, with its batch processor and exporter as they come, beside one
that never answers.
"""
_ENDS = (
    ("end-refused", "**observekit**, connections are refused"),
    ("end-silent", "**observekit**, never an answer"),
    ("end-dripping", "**observekit**, an answer a byte at a time"),
    ("end-stalled", "**observekit**, nothing is read"),
    ("end-sdk", "OpenTelemetry's SDK, never an answer"),
)
_HOSTILE_METHOD = """\
CPU microseconds to read `traceparent`, `tracestate` and `baggage` of a request as they are meant to be, and
as somebody makes them who wants to cost time, beside OpenTelemetry's own propagators; {rounds} rounds in one
process.
"""
_HOSTILE = (
    ("ordinary", "as they are meant to be"),
    ("long", "`traceparent` of 64 KiB"),
    ("twice", "`traceparent` 500 times"),
    ("members", "`tracestate` of 5,000 members"),
    ("commas", "`baggage` of 8,190 commas"),
    ("white", "`baggage` with 8,000 characters of white space in a value"),
    ("percent", "`baggage` of 8 KiB, percent-encoded throughout"),
    ("pairs", "`baggage` of 900 members"),
)
_PAGES_METHOD = """\
CPU time of a whole page of one histogram with three labels, or of a counter with one, without times of
creation, {rounds} rounds in turn in one process ({large} for 100,000 lines, which take prometheus-client a
second each). Between two pages every series gets another value, but where they stand still, as most of a
large page do. **Share** is that of prometheus-client's renderer in the same format and round. The first page
of 10,000 lines, for which the text of the lines is made, takes longer: {first}.
"""
_PAGES = (
    ("client", "client", "prometheus-client"),
    ("kept", "client", "**observekit**, a user's prometheus-client metrics"),
    ("still", "client", "**observekit**, the same where they stand still"),
    ("cells", "client", "**observekit**, its own cells"),
    ("client-counters", "client-counters", "prometheus-client, counters of one line each"),
    ("kept-counters", "client-counters", "**observekit**, the same counters"),
    ("still-counters", "client-counters", "**observekit**, the same counters where they stand still"),
)
_LOOP_METHOD = """\
One event loop (asyncio's own), a request each millisecond, and a scrape of a user's prometheus-client
metrics with Prometheus's headers (OpenMetrics, gzip). **Turn** is the longest time for which the loop was
held, in CPU time of its thread; **wait** is how long after its millisecond a request was answered: half of
those during a scrape waited less, the worst waited longest. {rounds} rounds ({large} for 100,000 lines) of
nobody, prometheus-client's ASGI application and ours, one after another; medians, with quartiles in
brackets, in ms.
"""
_LOOPS = (
    ("idle", "nobody scrapes"),
    ("client", "prometheus-client's ASGI application"),
    ("ours", "**observekit**"),
)
_CROWD_METHOD = """\
uvicorn, one worker; `wrk` with one connection for {seconds} s, while {scrapers} scrapers read a page of
{series} series that stand still, at 80 KiB/s each, while they read that of another process of the same kind
(elsewhere: what two cores are to blame for), and while nobody does; {rounds} rounds in turn, medians.
"""


def budgets(parts: Parts) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what, its budget, what was measured, and whether the budget is met."""
    for limit in PARTS:
        measured = parts.against(limit)
        if measured is not None:
            yield limit.what, limit.told, _shown(limit, measured), measured <= limit.limit


def _shown(limit: Limit, measured: float) -> str:
    if limit.unit:
        return f"{measured:.2f} {limit.unit}"
    return f"1/{1 / measured:.1f}" if limit.limit < 1 else f"{measured:.2f} x"


def lines(parts: Parts) -> Iterator[str]:
    """Yield the sections."""
    yield "## An observation, a log line\n"
    yield _CALLS_METHOD.format(rounds=parts.rounds.small)
    yield from _calls(parts)
    yield "\n## A child span\n"
    yield _SPANS_METHOD.format(rounds=parts.rounds.small)
    yield from _spans(parts)
    yield "\n## Hostile headers\n"
    yield _HOSTILE_METHOD.format(rounds=parts.rounds.small)
    yield "| headers | observekit | OpenTelemetry |"
    yield "| --- | --: | --: |"
    for name, title in _HOSTILE:
        ours, theirs = (parts.value("hostile", f"{name}-{whose}").median for whose in ("ours", "otel"))
        yield f"| {title} | {ours:.1f} | {theirs:,.1f} |"
    yield "\n## An end\n"
    yield _ENDS_METHOD
    yield "| | seconds |"
    yield "| --- | --: |"
    yield from (f"| {title} | {parts.value('ends', name).median:.2f} |" for name, title in _ENDS)
    yield "\n## A metrics page\n"
    first = ", ".join(
        f"{title.replace('**', '')} {parts.value('page-10000', f'{name}-text-first').median:.0f} ms"
        for name, _, title in (_PAGES[1], _PAGES[3])
    )
    yield _PAGES_METHOD.format(rounds=parts.rounds.small, large=parts.rounds.large, first=first)
    yield from _pages(parts)
    yield "\n## Requests during a scrape\n"
    yield _LOOP_METHOD.format(rounds=parts.rounds.small, large=parts.rounds.large)
    yield from _loops(parts)
    yield from _crowd(parts)


def _calls(parts: Parts) -> Iterator[str]:
    yield "| | CPU us | share |"
    yield "| --- | --: | --: |"
    for name, other, title in _CALLS:
        share = "" if name == other else _brackets(parts.ratio("calls", name, other), 2)
        yield f"| {title} | {_brackets(parts.value('calls', name), 2)} | {share} |"


def _spans(parts: Parts) -> Iterator[str]:
    yield "| | CPU us | share |"
    yield "| --- | --: | --: |"
    share = _brackets(parts.ratio("spans", "child-ours", "child-sdk"), 2)
    yield f"| **observekit** | {_brackets(parts.value('spans', 'child-ours'), 1)} | {share} |"
    yield f"| OpenTelemetry's SDK | {_brackets(parts.value('spans', 'child-sdk'), 1)} | |"


def _pages(parts: Parts) -> Iterator[str]:
    yield "| lines | | text, ms | share | OpenMetrics, ms | share |"
    yield "| --: | --- | --: | --: | --: | --: |"
    for count in LINES:
        part = f"page-{count}"
        for name, base, title in _PAGES:
            cells = [
                cell for form in ("text", "openmetrics") for cell in _page(parts, part, (name, base), form)
            ]
            yield f"| {count:,} | {title} | {' | '.join(cells)} |"


def _page(parts: Parts, part: str, compared: tuple[str, str], form: str) -> tuple[str, str]:
    name, base = (f"{one}-{form}" for one in compared)
    share = f"1/{1 / parts.ratio(part, name, base).median:.1f}"
    return f"{parts.value(part, name).median:.1f}", "" if name == base else share


def _loops(parts: Parts) -> Iterator[str]:
    yield "| lines of a | | turn | wait | worst wait |"
    yield "| --: | --- | --: | --: | --: |"
    for count, _, kind in HELD:
        for name, title in _LOOPS:
            cells = [
                _brackets(parts.value(f"loop-{count}-{kind}", f"{name}-{what}"), 2)
                for what in ("turn", "wait", "worst")
            ]
            yield f"| {count:,}, {kind} | {title} | {' | '.join(cells)} |"


def _crowd(parts: Parts) -> Iterator[str]:
    if not parts.found["crowd"]:
        return
    rounds, seconds = parts.rounds.crowd
    yield ""
    yield _CROWD_METHOD.format(seconds=seconds, scrapers=SCRAPERS, series=f"{SERIES:,}", rounds=rounds)
    yield "| | p99 idle, ms | scrapers elsewhere, ms | with scrapers, ms | of idle | of elsewhere |"
    yield "| --- | --: | --: | --: | --: | --: |"
    titles = {"/empty": "empty route", "/work": "1 ms of work"}
    for path in PATHS:
        kinds = [parts.value("crowd", f"{kind}{path}").median for kind in ("idle", "elsewhere", "crowd")]
        ratios = [parts.ratio("crowd", f"crowd{path}", f"{kind}{path}") for kind in ("idle", "elsewhere")]
        cells = [f"{value:.2f}" for value in kinds] + [_brackets(ratio, 2) for ratio in ratios]
        yield f"| {titles[path]} | {' | '.join(cells)} |"


def _brackets(values: Spread, digits: int) -> str:
    return f"{values.median:.{digits}f} [{values.low:.{digits}f} to {values.high:.{digits}f}]"
