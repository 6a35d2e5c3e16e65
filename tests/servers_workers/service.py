"""A service of several worker processes, as its clients and the one who scrapes it see it."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import choice
from typing import Final, NamedTuple

from tests.servers_workers.page import Page
from tests.servers_workers.servers import Server, command
from tests.waiting import DEADLINE_SECONDS, until

ROOT: Final = Path(__file__).parents[2]
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0"
ANSWER_SECONDS: Final = 30.0
CROWD: Final = 8
CUT: Final = (OSError, http.client.HTTPException)
"""What a client sees of a worker that is killed while it answers, and of a port that nobody listens on."""


class Journal:
    """What the client knows to have happened.

    Attributes:
        answered: Acts that were answered: they have been counted.
        cut: Acts whose answer never came: each may have been counted, or not.
        levels: The gauge of each worker that has set it, living or not.
        last: The level that was set last.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.cut = 0
        self.levels: dict[int, int] = {}
        self.last = 0


class Answer(NamedTuple):
    """An answer that came whole."""

    status: int
    text: str


class Service:
    """A server with its workers, on a port of loopback, and the journal of its client."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.journal = Journal()
        self.ports = directory / "ports"
        self.ports.mkdir()
        self.port = _free_port()
        with Path(directory, "output").open("wb") as output:
            self.process = subprocess.Popen(
                command(server, self.port, directory),
                cwd=directory,
                env=environment(directory),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the server, as a supervisor would, and then whatever is left of it."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(DEADLINE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def output(self) -> str:
        """Return what the server and its workers have said last."""
        return Path(self.directory, "output").read_text(errors="replace")[-4000:]

    def ask(self, path: str, accept: str = "text/plain") -> Answer:
        """Ask over a connection of its own.

        Raises:
            OSError: If there is no answer.
            HTTPException: If it is not whole.
        """
        return asked(self.port, path, accept)

    def living(self) -> set[int]:
        """Wait until as many workers answer as there should be, and return their process ids."""
        return set(self.each("/pid"))

    def by_age(self) -> list[int]:
        """Wait as living() does, and return the oldest first.

        granian takes a worker that ends soon after its start for one that cannot start, and ends altogether.
        """
        return sorted(self.living(), key=lambda pid: int(stat(pid)[19]))

    def each(self, path: str) -> dict[int, int]:
        """Ask until every worker has answered, and return for each what it said last: its process id."""
        answers: dict[int, int] = {}

        def all_have() -> bool:
            assert self.process.poll() is None, self.output()
            answers.update({pid: pid for pid in self._crowd(path)})
            for pid in [pid for pid in answers if not _runs(pid)]:
                del answers[pid]
            return len(answers) == self.server.workers

        until(all_have, lambda: f"only {sorted(answers)} answered\n{self.output()}")
        return answers

    def act(self, times: int = 1) -> None:
        """Have something done, and note it."""
        for _ in range(times):
            try:
                answer = self.ask("/act")
            except CUT:
                self.journal.cut += 1
            else:
                assert answer.status == 200, answer.text
                self.journal.answered += 1

    def act_everywhere(self) -> int:
        """Have each worker do something, and return how often it was done."""
        seen: set[int] = set()
        before = self.journal.answered

        def all_have() -> bool:
            answered = self._crowd("/act")
            self.journal.answered += len(answered)
            seen.update(answered)
            return seen >= living

        living = self.living()
        until(all_have, lambda: f"{seen} of {living} did something")
        return self.journal.answered - before

    def _crowd(self, path: str) -> list[int]:
        """Ask many times at once, so that it is not always the same who answers; return who did."""

        def ask(_: int) -> int | None:
            with suppress(*CUT):
                return int(self.ask(path).text)
            return None

        with ThreadPoolExecutor(CROWD) as crowd:
            return [pid for pid in crowd.map(ask, range(CROWD)) if pid is not None]

    def level_everywhere(self) -> None:
        """Have each worker set its gauges."""
        self.journal.levels |= self.each("/level")
        self.journal.last = int(self.ask("/level").text)

    def pages(self, accept: str = OPEN_METRICS) -> dict[int, Page]:
        """Return the page of every process that has one, by its process id."""
        if self.server.wsgi:
            return self._pages_of_ops_ports(accept)
        pages: dict[int, Page] = {}

        def all_have() -> bool:
            for _ in range(8):
                with suppress(*CUT):
                    pid, page = self.page(accept)
                    pages[pid] = page
            for pid in [pid for pid in pages if not _runs(pid)]:
                del pages[pid]
            return len(pages) == self.server.workers

        until(all_have, lambda: f"{sorted(pages)} gave a page\n{self.output()}")
        return pages

    def page(self, accept: str = OPEN_METRICS) -> tuple[int, Page]:
        """Return a worker's process id and its page, over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            pid = int(_over(connection, "/pid", accept).text)
            answer = _over(connection, "/metrics", accept)
        finally:
            connection.close()
        assert answer.status == 200, answer.text
        return pid, Page(answer.text)

    def any_page(self) -> Page | None:
        """Return the page of some worker, if none is killed just then.

        Raises:
            TimeoutError: If it does not come: that is no kill.
        """
        try:
            if not self.server.wsgi:
                return self.page()[1]
            scraped = [self.process.pid] if self.server.preloads else self._having_ports()
            return self._page_of_ops_port(choice(scraped), OPEN_METRICS)  # noqa: S311 -- any will do
        except TimeoutError:
            raise
        except CUT:
            return None

    def _pages_of_ops_ports(self, accept: str) -> dict[int, Page]:
        scraped = {self.process.pid} if self.server.preloads else self.living()
        return {pid: self._page_of_ops_port(pid, accept) for pid in scraped}

    def _page_of_ops_port(self, pid: int, accept: str) -> Page:
        answer = asked(int(Path(self.ports, str(pid)).read_text()), "/metrics", accept)
        assert answer.status == 200, answer.text
        return Page(answer.text)

    def _having_ports(self) -> list[int]:
        return [pid for path in self.ports.iterdir() if _runs(pid := int(path.name))]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        until(condition, self.output)

    def wait_for(self, condition: Callable[[Page], bool]) -> dict[int, Page]:
        """Return the pages of all workers as soon as they all meet *condition*."""
        pages: dict[int, Page] = {}

        def all_do() -> bool:
            pages.clear()
            pages.update(self.pages())
            return all(condition(page) for page in pages.values())

        until(all_do, lambda: "\n".join(f"-- {pid}\n{page.text}" for pid, page in pages.items()))
        return pages

    def files(self) -> set[Path]:
        """Return the files of the directory that the workers share, however it was found."""
        directories = {
            path.parent for pid in descendants(self.process.pid) for path in open_files(pid) if _shared(path)
        }
        return {file for directory in directories if directory.exists() for file in directory.iterdir()}


def environment(directory: Path) -> dict[str, str]:
    """Return an environment in which nothing is set that says anything of metrics or workers."""
    about = ("COVERAGE_", "OBSERVEKIT_", "OTEL_", "PROMETHEUS_", "GUNICORN_", "WEB_CONCURRENCY")
    usual = {name: value for name, value in os.environ.items() if not name.startswith(about)}
    # gunicorn keeps a control socket at home.
    return usual | {"PYTHONPATH": str(ROOT), "HOME": str(directory), "SHOP_PORTS": str(directory / "ports")}


def descendants(pid: int) -> list[int]:
    """Return *pid* and the process ids of all that come from it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            tasks = Path(f"/proc/{one}/task").iterdir()
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return found


def children(pid: int) -> list[int]:
    """Return the workers of a server, those that are just starting too."""
    found = descendants(pid)[1:]
    return [one for one in found if _runs(one) and "resource_tracker" not in _command_line(one)]


def open_files(pid: int) -> set[Path]:
    """Return what a process has open."""
    found = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(descriptor.readlink())
    return found


def _shared(path: Path) -> bool:
    return path.suffix in {".values", ".keys"} and any(part.startswith("observekit-") for part in path.parts)


def stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on.

    Raises:
        OSError: If there is none.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        return stat(pid)[0] != "Z"
    except OSError:
        return False


def asked(port: int, path: str, accept: str) -> Answer:
    """Ask on *port* of loopback, over a connection of its own.

    Raises:
        OSError: If there is no answer.
        HTTPException: If it is not whole.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        return _over(connection, path, accept)
    finally:
        connection.close()


def _over(connection: http.client.HTTPConnection, path: str, accept: str) -> Answer:
    connection.request("GET", path, headers={"accept": accept})
    response = connection.getresponse()
    return Answer(response.status, response.read().decode())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
