"""The report: what was measured, as Markdown."""

from collections.abc import Iterator

from benchmarks import facts, parts_report
from benchmarks.budgets import ADDED, KEPT, Ceiling, Minimum
from benchmarks.measure import Effort, Requests
from benchmarks.parts import Parts
from benchmarks.rows import BY_NAME, ROWS, SERVED, Row
from benchmarks.stats import Spread
from benchmarks.throughput import CONNECTIONS, PATHS, Throughput

_METHOD = """\
Each row runs in a process of its own, driven with bare ASGI messages: `GET /items/{{id}}` of a Starlette
application that answers a small JSON, seven usual request headers (eight with `traceparent`), a task for
each request, standard output on the null device. Counted is the CPU time of the whole process, threads for
export and logs included: spans go over OTLP/HTTP to a collector in another process, and a round is over when
all of them have arrived (which is checked) and every thread rests. Queues are long enough that nothing is
dropped. **Added** is that minus the bare application's in the same round; **share** is what is added as a
share of what the hand-assembled stack adds in the same round and situation (1 % sampled, for rows without
traces). {rounds} rounds of {requests} requests, each in another order, over {generations} generations of
processes; shown are medians, with quartiles in brackets. **Floor**: the same signals written by hand for this
one application, with a product's duties but without options, limits or a shutdown.
Quote ratios, not microseconds: they are of this machine.
"""
_SERVER_METHOD = """\
uvicorn with httptools and uvloop, one worker, no access line of its own, `wrk` with {connections}
connections for {seconds} s, {rounds} rounds in turn, each in another order; queues as they are by default.
**Kept** is the share of the bare application's rate in the same round. **Arrived** is how many of the spans
were received: what is dropped costs nothing.
"""


_BUDGETS = """\
Set before the first measurement; none was changed. The floor was completed since: it had not all the duties
that observekit has, and budgets that are shares of it are held to what it is now. Met is what the median
meets; its quartiles are below, and where they lie on both sides of a budget, another run may say otherwise.
"""


class Run:
    """One run of the benchmark, and what is said about it."""

    def __init__(
        self,
        effort: Effort,
        requests: Requests,
        server: tuple[int, int],
        throughput: Throughput | None,
        parts: Parts,
    ) -> None:
        self._effort = effort
        self._requests = requests
        self._server = server
        self._throughput = throughput
        self._parts = parts

    def text(self, load: str) -> str:
        """Return the report; *load* is how busy the machine was when the run began."""
        return "\n".join(self._lines(load)) + "\n"

    def _lines(self, load: str) -> Iterator[str]:
        effort = self._effort
        yield "# What observekit costs\n"
        yield f"Written by `benchmarks/run` on {facts.today()}.\n"
        yield f"- Machine: {facts.machine()}; load when the run began: {load}"
        yield f"- Versions: {facts.versions()}\n"
        yield "## Budgets\n"
        yield from self._budgets()
        yield "\n## A request, in process\n"
        rounds = effort.rounds * effort.generations
        yield _METHOD.format(rounds=rounds, requests=effort.requests, generations=effort.generations)
        yield from self._table()
        yield "\n## Through a server\n"
        yield from self._served()
        yield ""
        yield from parts_report.lines(self._parts)

    def _table(self) -> Iterator[str]:
        yield "| | CPU us in all | added us | share of hand-assembled |"
        yield "| --- | --: | --: | --: |"
        for row in ROWS:
            total = f"{self._requests.total(row).median:.1f}"
            added, share = "", ""
            if row.base != row.name:
                added = _spread(self._requests.added(row), "{:.1f}")
                share = _spread(self._requests.ratio(row, BY_NAME[row.peer]), "{:.3f}")
            yield f"| {row.title} | {total} | {added} | {share} |"

    def _served(self) -> Iterator[str]:
        if self._throughput is None:
            yield "Not measured: `wrk` is not installed."
            return
        rounds, seconds = self._server
        yield _SERVER_METHOD.format(connections=CONNECTIONS, seconds=seconds, rounds=rounds)
        titles = {"/empty": "empty route", "/work": "1 ms of work"}
        heads = [f"{titles[path]}, requests/s | kept" for path in PATHS]
        yield f"| | {' | '.join(heads)} | arrived |"
        yield "| --- |" + " --: | --: |" * len(PATHS) + " --: |"
        for name in SERVED:
            cells = [self._served_cells(self._throughput, name, path) for path in PATHS]
            row = BY_NAME[name]
            made = row.spans * row.sampled
            arrived = f"{self._throughput.spans(name) / made:.0%}" if made else ""
            yield f"| {row.title} | {' | '.join(cells)} | {arrived} |"

    @staticmethod
    def _served_cells(throughput: Throughput, name: str, path: str) -> str:
        rate, kept = throughput.rate(name, path), throughput.kept(name, path)
        return f"{rate.median:,.0f} | {_spread(kept, '{:.1%}')}"

    def _budgets(self) -> Iterator[str]:
        yield _BUDGETS
        yield "| what | budget | measured | |"
        yield "| --- | --- | --: | --- |"
        for budget in ADDED:
            yield self._at_most(budget)
        for promise in KEPT:
            if self._throughput is not None:
                yield self._at_least(promise, self._throughput)
        for what, told, measured, met in parts_report.budgets(self._parts):
            yield f"| {what} | <= {told} | {measured} | {_verdict(met)} |"
        dearer = [row.title for row in ROWS if self._is_dearer(row)]
        yield f"| every row of observekit | the hand-assembled stack | | {_verdict(not dearer)} |"

    def _at_most(self, budget: Ceiling) -> str:
        row = BY_NAME[budget.row]
        if budget.of is None:
            measured = self._requests.added(row)
            shown = f"{measured.median:.1f} us"
        else:
            measured = self._requests.ratio(row, BY_NAME[budget.of])
            shown = f"1/{1 / measured.median:.1f}" if budget.limit < 1 else f"{measured.median:.1f} x"
        return f"| {budget.what} | <= {budget.told} | {shown} | {_verdict(measured.median <= budget.limit)} |"

    @staticmethod
    def _at_least(budget: Minimum, throughput: Throughput) -> str:
        kept = throughput.kept(budget.row, budget.path).median
        return f"| {budget.what} | >= {budget.told} | {kept:.1%} | {_verdict(kept >= budget.limit)} |"

    def _is_dearer(self, row: Row) -> bool:
        ours = row.name.startswith("observekit")
        return ours and self._requests.ratio(row, BY_NAME[row.peer]).median > 1


def _spread(values: Spread, form: str) -> str:
    low, median, high = (form.format(value) for value in values)
    return f"{median} [{low} to {high}]"


def _verdict(met: bool) -> str:  # noqa: FBT001 -- what it is asked
    return "met" if met else "**not met**"
