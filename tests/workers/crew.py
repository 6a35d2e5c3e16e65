"""Worker processes that do as they are told, and what they are told to count."""

import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from observekit.metrics.workers import layout, processes, shapes
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.shapes import Labels, Merge, Shape, Values
from observekit.metrics.workers.writing import OwnFile

SECONDS = 30
"""What no child takes; one that waits for a lock would wait for ever."""

REQUESTS = Shape("requests_total", "counter", "Requests.", "", ("route",), (), "sum")
DURATION = Shape("duration_seconds", "histogram", "Durations.", "seconds", ("route",), (0.1, 1.0), "sum")


def gauge(merge: Merge) -> Shape:
    """Return a family of gauges that are merged so."""
    return Shape(f"gauge_{merge}", "gauge", "A gauge.", "", (), (), merge)


def shown(group: Group) -> dict[str, dict[Labels, Values]]:
    """Return all that *group* shows, by the names of the families."""
    snapshot = group.snapshot()
    return {shape.name: snapshot.series(shape) for shape in snapshot.families()}


def total(group: Group, shape: Shape = REQUESTS) -> float:
    """Return the sum over all series of *shape* that *group* shows."""
    return sum(values[0] for values in group.snapshot().series(shape).values())


def in_memory() -> str:
    """Return a directory in memory, as services have it; one on a disk where there is none."""
    shared = "/dev/shm"  # noqa: S108 -- a private directory is made in it
    return shared if os.path.isdir(shared) else tempfile.gettempdir()  # noqa: PTH112 -- a string is wanted


class Worker:
    """A forked process with a group of its own; it answers each order when it has done it."""

    def __init__(self, directory: Path, prepare: Callable[[], object] = lambda: None) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._orders)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(SECONDS)
                prepare()
                _obey(directory, orders, answers)
            finally:
                os._exit(0)
        os.close(orders)
        os.close(answers)
        self._lines = os.fdopen(self._answers)
        self._alive = True

    def tell(self, order: str, *arguments: object) -> Any:
        """Have *order* done, and return its answer; an EOFError says that the worker has died over it."""
        os.write(self._orders, json.dumps([order, *arguments]).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise EOFError(order)
        return json.loads(line)

    def add(self, route: str = "/", amount: float = 1.0) -> None:
        """Count requests."""
        self.tell("add", route, amount)

    def end(self) -> None:
        """Let it end by itself, without a word to the others."""
        os.close(self._orders)
        self._orders = -1
        self.wait()

    def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        if self._alive:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self) -> None:
        """Wait for its end."""
        os.waitpid(self.pid, 0)
        self._alive = False
        self._lines.close()
        if self._orders >= 0:
            os.close(self._orders)


class _Obedience:
    """What a worker can be told to do."""

    def __init__(self, directory: Path) -> None:
        self.failures: list[str] = []
        self.directory = directory
        self.group = Group(directory, lambda error: self.failures.append(f"{type(error).__name__}: {error}"))
        self.values: dict[tuple[Shape, Labels], list[float]] = {}
        self.group.rebind = self.rebind

    def rebind(self) -> None:
        for (shape, labels), values in self.values.items():
            record = self.group.record(shape, labels)
            for at, value in enumerate(values):
                record[at] = value

    def join(self) -> int:
        self.group.join()
        return self.group.slot

    def begin_to_join(self) -> None:
        """Be as somebody who has given back the lock and does not count yet."""
        pid = os.getpid()
        identity = Identity(os.urandom(8).hex(), 1, pid, processes.start_of(pid), 1)
        self.file = OwnFile(str(self.directory), identity, layout.PREPARING)

    def add(self, route: str, amount: float) -> None:
        values = self.values.setdefault((REQUESTS, (route,)), [0.0])
        values[0] += amount
        self.group.record(REQUESTS, (route,))[0] = values[0]

    def fill(self, series: int) -> None:
        for number in range(series):
            self.add(str(number), 1.0)

    def observe(self, route: str, bucket: int, amount: float) -> None:
        values = self.values.setdefault((DURATION, (route,)), [0.0] * 4)
        values[bucket] += 1
        values[-1] += amount
        record = self.group.record(DURATION, (route,))
        for at, value in enumerate(values):
            record[at] = value

    def set(self, merge: Merge, value: float, seconds: float) -> None:
        values = self.values.setdefault((gauge(merge), ()), [0.0, 0.0])
        values[:] = value, seconds
        record = self.group.record(gauge(merge), ())
        record[0], record[1] = value, seconds

    def exemplar(self, bucket: int, trace: str, seconds: float) -> None:
        found = shapes.SharedExemplar({"trace_id": trace}, 0.5, seconds)
        self.group.exemplar(DURATION, ("/",), bucket, found)

    def tend(self, die_at: str = "", die_in: int = 0) -> None:
        seen: list[str] = []

        def step(name: str) -> None:
            seen.append(name)
            if seen.count(die_at) > die_in:
                os.kill(os.getpid(), signal.SIGKILL)

        self.group.tend(step)

    def steps(self) -> list[str]:
        seen: list[str] = []
        self.group.tend(seen.append)
        return seen

    def total(self) -> float:
        return total(self.group)

    def shown(self) -> dict[str, dict[str, Values]]:
        return {
            name: {",".join(labels): values for labels, values in series.items()}
            for name, series in shown(self.group).items()
        }

    def look_without_descriptors(self) -> int:
        """Return how many looks succeed while no further file can be opened."""
        before, limits = self.group.looks, resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            self.group.snapshot()
            self.group.tend()
            self.group.snapshot()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        return self.group.looks - before

    def leave(self) -> None:
        self.group.leave()

    def state(self) -> dict[str, object]:
        return {"degraded": self.group.degraded, "slot": self.group.slot, "failures": self.failures}

    def fork(self) -> int:
        """Leave a child that does nothing."""
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            signal.pause()
            os._exit(0)
        return child

    def drop_lock(self) -> None:
        """Do what drops a POSIX lock: open the file once more, and close it."""
        for path in self.directory.glob(f"*-{os.getpid()}-*.values"):
            path.open("rb").close()


def _obey(directory: Path, orders: int, answers: int) -> None:
    obedience = _Obedience(directory)
    with os.fdopen(orders) as lines:
        for line in lines:
            order, *arguments = json.loads(line)
            answer = getattr(obedience, order)(*arguments)
            os.write(answers, json.dumps(answer).encode() + b"\n")
