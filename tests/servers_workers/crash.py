"""Kill workers of a real server at random instants, under load, and hold its pages to the client's journal.

``python -m tests.servers_workers.crash --kills 300 --server uvicorn-h11``; the short form runs in the tests.
"""

import argparse
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Final

from tests.servers_workers import table
from tests.servers_workers.load import CLIENTS, Totals, busy
from tests.servers_workers.page import Page
from tests.servers_workers.servers import SERVERS
from tests.servers_workers.service import Service, children
from tests.servers_workers.truth import apart, between, counted, requests, truth
from tests.waiting import until

# From one page to the next: two who ask at once are given the same page, begun when the first of them asked,
# so that the page of one worker may be of a moment before that of another.
_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 0.5
_SHOWN: Final = 10


@dataclass
class Report:
    """What was seen.

    Attributes:
        wrong: Everything that must not be, as a scrape that is not answered in time.
        cut: Scrapes that had no answer, because their worker was killed; never more than the kills.
        seconds: How long each scrape took.
        files: How many files the workers had at each kill.
    """

    server: str
    kills: int = 0
    scrapes: int = 0
    cut: int = 0
    acts: int = 0
    acts_cut: int = 0
    total: float = 0.0
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    @property
    def milliseconds(self) -> tuple[float, float]:
        """Return what a scrape took at first, and in the end."""
        part = max(1, len(self.seconds) // 4)
        early, late = (median(part) * 1000 for part in (self.seconds[:part], self.seconds[-part:]))
        return early, late

    def row(self) -> tuple[str, ...]:
        """Return it as a row of the table."""
        numbers = self.kills, self.scrapes, self.cut, self.acts, self.acts_cut, round(self.total)
        took = [f"{one:.1f}" for one in self.milliseconds]
        cells = [f"{one:,}" for one in (*numbers, max(self.files, default=0))]
        return self.server, table.version_of(self.server), *cells, *took, str(len(self.wrong))

    def __str__(self) -> str:
        early, late = self.milliseconds
        return (
            f"{self.server}: {self.kills} kills, {self.scrapes} scrapes answered with 200, "
            f"{self.cut} cut off with their worker, {self.acts} acts answered, {self.acts_cut} cut off, "
            f"{self.total:.0f} counted; at most {max(self.files, default=0)} files; "
            f"a scrape took {early:.1f} ms at first, {late:.1f} ms in the end; {len(self.wrong)} faults\n"
            + "\n".join(self.wrong[:_SHOWN])
        )


class Scraper(Thread):
    """Reads one page after another, with a pause in between, and holds each to those before it."""

    def __init__(self, service: Service, report: Report) -> None:
        super().__init__()
        self._service = service
        self._report = report
        self._over = Event()
        self._highest: Totals = {}

    def run(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            started = perf_counter()
            try:
                page = self._service.any_page()
            except (AssertionError, TimeoutError) as error:
                self._report.wrong.append(f"a scrape failed: {error}")
                continue
            if page is None:
                self._report.cut += 1
                continue
            self._report.seconds.append(perf_counter() - started)
            self._report.scrapes += 1
            self._hold(page)

    def _hold(self, page: Page) -> None:
        now = page.cumulative()
        for key, value in self._highest.items():
            if now.get(key, -1.0) < value:
                self._report.wrong.append(f"{key} fell from {value} to {now.get(key)}")
        self._highest.update(now)

    def stop(self) -> None:
        self._over.set()
        self.join()


def crash(name: str, kills: int, directory: Path, seed: int = 1) -> Report:
    """Start a server, kill its workers one after the other, and return what was seen."""
    report = Report(name)
    service = Service(SERVERS[name], directory)
    try:
        service.living()
        scraper = Scraper(service, report)
        scraper.start()
        try:
            with busy(service):
                for _ in range(kills):
                    _kill(service, report, Random(seed * kills + report.kills))  # noqa: S311 -- no secret
        finally:
            scraper.stop()
        _settle(service, report)
        if report.cut > report.kills:
            report.wrong.append(f"{report.cut} scrapes had no answer, but {report.kills} workers were killed")
    finally:
        service.stop()
    return report


def _kill(service: Service, report: Report, random: Random) -> None:
    workers = service.server.workers
    # One that is just starting may be killed too; but one that answers must be left.
    until(lambda: len(children(service.process.pid)) >= workers and service.any_page(), service.output)
    Event().wait(random.uniform(0.0, _LONGEST_PAUSE_SECONDS))
    report.files.append(len(service.files()))
    with suppress(ProcessLookupError):
        os.kill(random.choice(children(service.process.pid)), signal.SIGKILL)
        report.kills += 1


def _settle(service: Service, report: Report) -> None:
    """Wait until all pages say the same, and hold them to the journal."""
    journal = service.journal
    report.acts, report.acts_cut = journal.answered, journal.cut
    low, high = truth(journal.answered), truth(journal.answered + journal.cut)
    pages: list[Page] = []

    def agreed() -> bool:
        pages[:] = service.pages().values()
        first, *others = map(counted, pages)
        return between(low, first, high) and others == [first] * len(others)

    try:
        until(agreed, lambda: "\n".join(apart(low, counted(page), high) for page in pages))
    except AssertionError as error:
        report.wrong.append(f"the pages do not come to agree with the journal:\n{error}")
    report.total = pages[0].total("early_labelled_total")
    if not service.server.wsgi:
        # A request is counted when it is over, which is after its answer has gone.
        least = journal.answered - report.kills * CLIENTS
        if not least <= requests(pages[0]) <= journal.answered + journal.cut:
            report.wrong.append(f"{requests(pages[0])} requests, but {journal.answered} were answered")
    report.files.append(len(service.files()))


def main() -> None:
    """Do so as the command line says; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers_workers.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--server", choices=sorted(SERVERS), default="uvicorn-h11")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put it into TABLE.md")
    arguments = parser.parse_args()
    with TemporaryDirectory() as directory:
        report = crash(arguments.server, arguments.kills, Path(directory), arguments.seed)
    print(report)
    if arguments.write:
        table.put("crash", report.row())
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
