"""What is shown where the files of all workers cannot be read in time."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from observekit.config import Config
from observekit.guard import Guard
from observekit.metrics import exposition
from observekit.metrics.exposition import Exposition, NoPageError
from observekit.metrics.store import Store
from observekit.metrics.workers import member as workers_member
from observekit.metrics.workers.member import Member
from observekit.metrics.workers.page import SharedPage, Writers
from observekit.metrics.workers.snapshot import Snapshot
from observekit.ops.endpoints import endpoints

from .crew import DURATION, Worker


def test_a_page_that_comes_late_has_what_all_workers_said_just_before_or_nothing_and_not_what_one_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(home / "group")
    failures: list[tuple[str, Exception]] = []
    worker.tell("join")
    worker.tell("observe", "/", 0, 0.05)
    registry = CollectorRegistry()
    durations = Histogram(
        "duration", "Durations.", ["route"], unit="seconds", buckets=DURATION.bounds, registry=registry
    )
    member = Member(Store(100), registry, lambda *_: None, lambda _: None)
    shown = Exposition(registry, lambda *failed: failures.append(failed), lambda _: None, member)
    try:
        durations.labels("/").observe(0.5)
        member.join(home / "group")
        monkeypatch.setattr(exposition, "_OLD_SECONDS", 60.0)
        monkeypatch.setattr(exposition, "_WORKERS_SECONDS", 20.0)
        in_time = asyncio.run(shown.page("")).body
        monkeypatch.setattr(exposition, "_WORKERS_SECONDS", 0.0)
        late = asyncio.run(shown.page("")).body
        monkeypatch.setattr(exposition, "_OLD_SECONDS", -60.0)  # Another worker has given a page since.
        with pytest.raises(NoPageError):
            asyncio.run(shown.page(""))
    finally:
        member.leave()
        shown.close()
        worker.kill()

    assert b'\nduration_seconds_count{route="/"} 2.0\n' in in_time
    assert b'\nduration_seconds_count{route="/"} 2.0\n' in late
    assert [(component, type(error)) for component, error in failures] == [("workers", TimeoutError)] * 2


def test_a_forked_child_has_no_page_of_its_parents(home: Path) -> None:
    member = Member(Store(100), CollectorRegistry(), lambda *_: None, lambda _: None)
    shown = Exposition(CollectorRegistry(), lambda *_: None, lambda _: None, member)
    try:
        member.join(home / "group")
        asyncio.run(shown.page(""))
        child = os.fork()
        if child == 0:
            os._exit(shown._last is not None)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        member.leave()
        shown.close()


class Late:
    """A member whose page is there when it may be."""

    has_company = True

    def __init__(self) -> None:
        self.asked = 0
        self.began, self.go_on = threading.Event(), threading.Event()

    def page(self) -> SharedPage:
        self.asked += 1
        self.began.set()
        self.go_on.wait(20)
        return SharedPage(Snapshot([]), Writers(), lambda _: None)


def late_exposition(member: Late) -> Exposition:
    return Exposition(CollectorRegistry(), lambda *_: None, lambda _: None, cast("Member", member))


def test_there_is_no_page_where_the_workers_have_never_been_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "_WORKERS_SECONDS", 0.0)
    late = Late()
    shown = late_exposition(late)
    guard = Guard(("metrics",))
    asked = endpoints(Config(), shown, cast("Any", Mock()), Mock(refusal=lambda _: None), guard)

    async def scrape() -> list[int]:
        said: list[int] = []
        for _ in range(2):
            sent: list[dict[str, Any]] = []

            async def send(message: Any, sent: list[dict[str, Any]] = sent) -> None:
                sent.append(message)

            await asked["/metrics"]({"type": "http", "method": "GET"}, AsyncMock(), send)
            said.append(sent[0]["status"])
        late.go_on.set()
        monkeypatch.setattr(exposition, "_WORKERS_SECONDS", 20.0)
        await shown.page("")
        return said

    try:
        said = asyncio.run(scrape())
    finally:
        late.go_on.set()
        shown.close()

    assert said == [503, 503]
    assert guard.failures["metrics"] == 0
    assert late.asked == 1  # Nobody is asked again before he has answered.


def test_a_page_for_another_loop_does_not_wait_in_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "_WORKERS_SECONDS", 0.0)
    late = Late()
    shown = late_exposition(late)
    try:
        for _ in range(3):
            with pytest.raises(NoPageError):
                asyncio.run(shown.page(""))
            assert late.began.wait(20)
    finally:
        late.go_on.set()
        shown.close()

    assert late.asked == 1


def test_a_page_does_not_wait_for_whoever_asks_functions(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_member, "ASIDE_SECONDS", 0.01)
    registry = CollectorRegistry()
    things = Counter("things", "Things.", registry=registry)
    answers = threading.Event()
    Gauge("stuck", "Never there.", registry=registry).set_function(lambda: answers.wait(20))
    member = Member(Store(100), registry, lambda *_: None, lambda _: None)
    try:
        member.join(home / "group")
        tending = threading.Thread(target=member.tend)
        tending.start()
        things.inc(3)
        page = member.page()
        assert page is not None
        text = "".join(page.writable("things").blocks("text"))
    finally:
        answers.set()
        tending.join()
        member.leave()

    assert "things_total 3.0" in text


def test_a_page_waits_for_a_thread_that_joins_and_is_never_that_of_one_worker(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_member, "_JOIN_SECONDS", 0.01)
    member = Member(Store(100), CollectorRegistry(), lambda *_: None, lambda _: None)
    member._joining.acquire()
    member.join(home / "group")
    with pytest.raises(TimeoutError):
        member.page()
    member._joining.release()
    try:
        assert member.page() is not None
    finally:
        member.leave()


def test_an_event_loop_joins_nobody(home: Path) -> None:
    member = Member(Store(100), CollectorRegistry(), lambda *_: None, lambda _: None)
    member.children = lambda: home / "group"
    joined: list[threading.Thread] = []
    member.joined = lambda: joined.append(threading.current_thread())
    shown = Exposition(CollectorRegistry(), lambda *_: None, lambda _: None, member)
    try:
        asyncio.run(shown.page(""))
    finally:
        member.leave()
        shown.close()

    assert len(joined) == 1
    assert joined[0] is not threading.main_thread()
