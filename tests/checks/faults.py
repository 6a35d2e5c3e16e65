"""PostgreSQL and redis in trouble while a hundred probes a second arrive: ``python -m tests.checks.faults``.

Tells for each kind of trouble what the probes of a service got that depends on both, and what that cost the
two; with ``--write`` in FAULTS.md too. ``--seconds`` is how long each trouble lasts when it has been found.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import quantiles
from time import monotonic
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.real_servers import servers
from tests.real_servers.programs import LOOPBACK, PATIENCE_SECONDS, Server, free_port
from tests.real_servers.proxy import FaultProxy, Mode

PERIOD_SECONDS = 0.25
PROBES_A_SECOND = 100
CHECKS = ("postgres", "redis")
TABLE = Path(__file__).with_name("FAULTS.md")
_BEGIN = """# Dependencies in trouble

What up to 100 probes a second got of a service that depends on PostgreSQL and redis, both `required`,
while one of them is in trouble. Each check runs once in 0.25 s at most and has 0.2 s, all of a probe have
0.9 s; half of the probes of liveness are for the ops port. Made by `python -m tests.checks.faults --write`.

| trouble | probes | `/readyz` | `/livez` | p99 | worst | runs | threads |
| --- | ---: | --- | --- | ---: | ---: | --- | --- |
"""


class Answer(NamedTuple):
    """What one probe got."""

    path: str
    status: int
    seconds: float


class Figures(NamedTuple):
    """What the probes of one trouble got, and what it cost."""

    answers: list[Answer]
    seconds: float
    runs: dict[str, float]
    threads: tuple[float, float]

    def statuses(self, path: str) -> Counter[int]:
        """Count the answers of one path by status."""
        return Counter(answer.status for answer in self.answers if answer.path == path)

    def most_runs(self) -> float:
        """Return how often a check may have run: once a period, and what was under way."""
        return self.seconds / PERIOD_SECONDS + 2


class Service:
    """The service in a process of its own; its liveness is asked at both ports."""

    def __init__(self, port: int, ops_port: int) -> None:
        self.port = port
        self.ops_port = ops_port

    async def get(self, path: str, port: int | None = None) -> tuple[int, bytes]:
        """Ask as the kubelet does: a new connection each time."""
        reader, writer = await asyncio.open_connection(LOOPBACK, port or self.port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split(b" ")[1]), body
        finally:
            writer.close()

    async def until(self, status: int) -> None:
        """Wait until readiness says *status*."""
        end = monotonic() + PATIENCE_SECONDS
        while (await self.get("/readyz"))[0] != status:
            assert monotonic() < end, (await self.get("/readyz?verbose"))[1]
            await asyncio.sleep(0.02)

    async def measured(self, seconds: float) -> Figures:
        """Probe for so long, and look at what that took."""
        before, began = await self.metrics(), monotonic()
        probes: list[asyncio.Task[Answer]] = []
        while monotonic() - began < seconds:
            number = len(probes)
            path, port = ("/livez", None) if number % 2 else ("/readyz", None)
            if number % 4 == 3:
                port = self.ops_port
            probes.append(asyncio.create_task(self._probe(path, port)))
            await asyncio.sleep(1 / PROBES_A_SECOND)
        answers = [await probe for probe in probes]
        after, took = await self.metrics(), monotonic() - began
        runs = {check: after[check] - before[check] for check in CHECKS}
        return Figures(answers, took, runs, (before["threads"], after["threads"]))

    async def _probe(self, path: str, port: int | None) -> Answer:
        began = monotonic()
        status, _ = await self.get(path, port)
        return Answer(path, status, monotonic() - began)

    async def metrics(self) -> dict[str, float]:
        """Return how often each check has run, how often one has changed, and how many threads there are."""
        _, page = await self.get("/metrics", self.ops_port)
        samples = [sample for family in parse_text(page.decode()) for sample in family.samples]
        runs = {
            sample.labels["check"]: sample.value
            for sample in samples
            if sample.name == "observekit_health_check_duration_seconds_count"
        }
        threads = next(sample.value for sample in samples if sample.name == "python_threads")
        changes = sum(one.value for one in samples if one.name == "observekit_health_check_transitions_total")
        return {**runs, "threads": threads, "changes": changes}


@contextmanager
def process(postgres: int, redis: int, **more: str) -> Iterator[tuple[int, int]]:
    """Run the service with *more* of an environment; yield its port and its ops port."""
    port = free_port()
    environ = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OBSERVEKIT_"))
        },
        "POSTGRES": str(postgres),
        "REDIS": str(redis),
        "OBSERVEKIT_CHECK_CACHE": str(PERIOD_SECONDS),
        "OBSERVEKIT_CHECK_TIMEOUT": "0.2",
        # One trouble comes after the other, and who comes back and fails again would have to pass for long.
        "OBSERVEKIT_CHECK_PASS_AFTER": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **more,
    }
    server = ("uvicorn", "tests.checks.guarded_service:app", "--port", str(port), "--log-level", "error")
    with subprocess.Popen(
        [sys.executable, "-m", *server],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # asyncpg and the service say at length what is wrong.
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            yield port, int(running.stdout.readline().split()[1])
        finally:
            running.kill()


@asynccontextmanager
async def service(postgres: int, redis: int, **more: str) -> AsyncIterator[Service]:
    """Run the service until it is ready, and to the end."""
    with process(postgres, redis, **more) as (port, ops_port):
        made = Service(port, ops_port)
        end = monotonic() + PATIENCE_SECONDS
        while monotonic() < end:
            try:
                await made.until(200)
                break
            except OSError:  # It does not listen yet.
                await asyncio.sleep(0.05)
        yield made


@contextmanager
def turned(way: FaultProxy, mode: Mode) -> Iterator[None]:
    """Make a way *mode*, and right again."""
    way.mode = mode
    try:
        yield
    finally:
        way.mode = "pass"


Trouble = Callable[[Server, FaultProxy], AbstractContextManager[None]]
TROUBLES: dict[str, Trouble] = {
    "paused": lambda server, _: server.paused(),
    "killed": lambda server, _: server.killed(),
    "slow": lambda _, way: turned(way, "slow"),
    "refused": lambda _, way: turned(way, "closed"),
}


async def troubled(made: Service, trouble: AbstractContextManager[None], seconds: float) -> Figures:
    """Make trouble, wait until it is found, measure, and wait until all is well."""
    with trouble:
        await made.until(503)
        figures = await made.measured(seconds)
    await made.until(200)
    return figures


def line(name: str, figures: Figures) -> str:
    """Return the figures of a trouble as a row of the table."""
    seconds = [answer.seconds for answer in figures.answers]
    p99, worst = quantiles(seconds, n=100)[98] * 1000, max(seconds) * 1000
    said = (_counts(figures.statuses(path)) for path in ("/readyz", "/livez"))
    runs = ", ".join(f"{check} {count:.0f}" for check, count in figures.runs.items())
    cells = (
        *(name, f"{len(seconds)} in {figures.seconds:.1f} s", *said, f"{p99:.0f} ms", f"{worst:.0f} ms"),
        *(runs, f"{figures.threads[0]:.0f} → {figures.threads[1]:.0f}"),
    )
    return f"| {' | '.join(cells)} |"


def _counts(statuses: Counter[int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))


async def toggled(made: Service, way: FaultProxy, seconds: float) -> float:
    """Open and close a way every 0.3 s; return how often the check of it was taken to say something else."""
    before, began = (await made.metrics())["changes"], monotonic()
    while monotonic() - began < seconds:
        with turned(way, "closed"):
            await asyncio.sleep(0.3)
        await asyncio.sleep(0.3)
    return (await made.metrics())["changes"] - before


def toggle_line(seconds: float, changes: float) -> str:
    """Return what there is to say of a way that was opened and closed for so long."""
    return f"A way that opens and closes every 0.3 s for {seconds:g} s: {changes:.0f} changes."


async def run(seconds: float, toggle_seconds: float, told: Callable[[str], None]) -> int:
    """Tell a row for each trouble; return how many probes of liveness failed."""
    failures = 0
    with ExitStack() as stack:
        postgres, redis = stack.enter_context(servers.postgres()), stack.enter_context(servers.redis())
        ways = [stack.enter_context(FaultProxy(server.port, 0.5)) for server in (postgres, redis)]
        async with service(ways[0].port, ways[1].port) as made:
            told(line("none", await made.measured(seconds)))
            for server, way in zip((postgres, redis), ways, strict=True):
                for name, trouble in TROUBLES.items():
                    figures = await troubled(made, trouble(server, way), seconds)
                    failures += figures.statuses("/livez").total() - figures.statuses("/livez")[200]
                    told(line(f"{server.name} {name}", figures))
        usual = {"OBSERVEKIT_CHECK_CACHE": "2", "OBSERVEKIT_CHECK_PASS_AFTER": "2"}
        async with service(ways[0].port, ways[1].port, **usual) as made:
            changes = await toggled(made, ways[1], toggle_seconds)
            told(f"\n{toggle_line(toggle_seconds, changes)}")
    return failures


def main() -> int:
    """Run all troubles, write the table, and return 1 if liveness failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each trouble lasts")
    parser.add_argument("--toggle", type=float, default=120.0, help="how long a way opens and closes")
    parser.add_argument("--write", action="store_true", help="write FAULTS.md as well")
    given = parser.parse_args()
    lines: list[str] = []

    def told(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        lines.append(text)

    failures = asyncio.run(run(given.seconds, given.toggle, told))
    if given.write:
        TABLE.write_text(_BEGIN + "\n".join(lines) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
