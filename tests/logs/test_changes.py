"""Levels are changed while a service runs, for a time, and are then what they were."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from observekit import ObserveMiddleware, setup
from observekit.logs.changes import Changes
from observekit.logs.levels import Levels

LONG = 30.0


class Bench:
    """Levels, their changes, and what was said of them."""

    def __init__(self, **named: int) -> None:
        self.levels = Levels(logging.INFO, named)
        self.told: list[dict[str, Any]] = []
        self.failed: list[BaseException] = []
        self.said = threading.Condition()
        self.changes = Changes(self.levels, self._tell, self.failed.append)

    def _tell(self, level: str, event: str, fields: Any) -> None:
        with self.said:
            self.told.append({"level": level, "event": event, **fields})
            self.said.notify_all()

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        with self.said:
            assert self.said.wait_for(lambda: len(self.told) >= count, LONG)
        return self.told


@contextmanager
def bench(**named: int) -> Iterator[Bench]:
    made = Bench(**named)
    yield made
    made.changes.close()
    assert made.failed == []


def test_a_level_is_changed_at_once_and_is_what_it_was_when_time_is_up() -> None:
    with bench() as made:
        assert made.levels.of("shop.db") == logging.INFO
        made.changes.change("shop", "debug", 0.3, "somebody")
        during = made.levels.of("shop.db"), logging.getLogger("shop").level, made.levels.of("other")

        told = made.wait_for(2)

        assert during == (logging.DEBUG, logging.DEBUG, logging.INFO)
        assert (made.levels.of("shop.db"), logging.getLogger("shop").level) == (logging.INFO, logging.NOTSET)
        assert made.changes.report() == []
        assert told == [
            {
                "level": "warning",
                "event": "observekit.level_changed",
                "changed_logger": "shop",
                "from": "info",
                "to": "debug",
                "for_seconds": 0.3,
                "cause": "somebody",
            },
            {
                "level": "warning",
                "event": "observekit.level_changed",
                "changed_logger": "shop",
                "from": "debug",
                "to": "info",
                "for_seconds": None,
                "cause": "time is up",
            },
        ]


def test_a_more_specific_name_keeps_its_level() -> None:
    with bench(**{"shop.db": logging.ERROR}) as made:
        made.changes.change("shop", "debug", 60, "x")
        made.changes.change("root", "warning", 60, "x")

        assert made.levels.of("shop.db.pool") == logging.ERROR
        assert made.levels.of("shop.orders") == logging.DEBUG
        assert made.levels.of("other") == logging.WARNING
        made.changes.change("shop.db", "info", 60, "x")
        assert made.levels.of("shop.db.pool") == logging.INFO


def test_a_change_replaces_the_one_before_and_can_be_taken_back() -> None:
    before = logging.getLogger().level
    with bench() as made:
        made.changes.change("root", "debug", 0.2, "first")
        made.changes.change("root", "error", 60, "second")

        (one,) = made.changes.report()
        assert (one["logger"], one["level"], 50 < one["seconds_left"] <= 60) == ("root", "error", True)
        assert (made.changes.undo("root", "third"), made.changes.undo("root", "fourth")) == (True, False)
        assert (made.levels.of("x"), logging.getLogger().level) == (logging.INFO, before)


def test_a_level_that_somebody_else_has_set_since_is_his() -> None:
    with bench() as made:
        made.changes.change("his", "debug", 60, "x")
        logging.getLogger("his").setLevel(logging.ERROR)
        made.changes.undo("his", "x")

        assert logging.getLogger("his").level == logging.ERROR
    logging.getLogger("his").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("logger", "level", "seconds"),
    [
        ("", "debug", 1),
        ("x" * 129, "debug", 1),
        ("a\nb", "debug", 1),
        ("x", "loud", 1),
        ("x", "debug", 0),
        ("x", "debug", -1),
        ("x", "debug", 86_401),
        ("x", "debug", float("nan")),
        ("x", "debug", float("inf")),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(logger: str, level: str, seconds: float) -> None:
    with bench() as made:
        with pytest.raises(ValueError, match="must"):
            made.changes.change(logger, level, seconds, "x")

        assert (made.changes.report(), made.told) == ([], [])


def test_no_more_than_so_many_levels_can_be_changed() -> None:
    with bench() as made:
        for number in range(32):
            made.changes.change(f"many.{number}", "debug", 60, "x")
        made.changes.change("many.0", "error", 60, "x")

        with pytest.raises(ValueError, match="32 loggers"):
            made.changes.change("many.32", "debug", 60, "x")
        made.changes.undo("many.1", "x")
        made.changes.change("root", "error", 60, "x")
        made.changes.change("root", "warning", 60, "x")

        assert made.levels.of("other") == logging.WARNING


def test_a_forked_child_takes_back_what_was_changed_before(run_script: Callable[[str], Any]) -> None:
    ended = run_script(
        "kit.levels.change('script', 'debug', 1, 'test')\n"
        "child = os.fork()\n"
        "while log.is_enabled_for(logging.DEBUG): time.sleep(0.01)\n"
        "if child: assert os.waitpid(child, 0)[1] == 0\n"
    )

    changed = [line["to"] for line in ended.lines if line["event"] == "observekit.level_changed"]
    assert (changed, ended.code) == (["debug", "info", "info"], 0)


def test_records_of_both_kinds_follow_the_level_of_a_running_service(
    run_script: Callable[[str], Any],
) -> None:
    ended = run_script(
        "log.debug('before'); stdlib.debug('before')\n"
        "kit.levels.change('script', 'debug', 60, 'test')\n"
        "log.debug('during'); stdlib.debug('during'); structlog.get_logger('other').debug('during')\n"
        "kit.levels.undo('script', 'test')\n"
        "log.debug('after'); stdlib.debug('after')\n"
    )

    assert ended.events == ["during", "during"]
    changed = [line["to"] for line in ended.lines if line["event"] == "observekit.level_changed"]
    assert changed == ["debug", "info"]


async def _start_and_end(app: Any) -> None:
    """Begin and end an application as a server does."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert [one["type"] for one in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_an_application_that_starts_meanwhile_changes_no_level_and_leaves_none_behind(
    capfd: pytest.CaptureFixture[str],
) -> None:
    root, named = logging.getLogger(), logging.getLogger("named")
    before = root.level
    kit = setup(
        registry=CollectorRegistry(), log_format="json", traces=False, log_levels={"named": "warning"}
    )
    assert kit.levels is not None
    for name in ("root", "named"):
        kit.levels.change(name, "debug", 60, "x")

    asyncio.run(_start_and_end(ObserveMiddleware(Starlette())))
    for one in (root, named, logging.getLogger("other")):
        one.debug("of %s", one.name)
    during = root.level, named.level
    kit.levels.undo("root", "x")
    kit.levels.undo("named", "x")
    after = root.level, named.level
    kit.shutdown()

    said = [json.loads(line)["event"] for line in capfd.readouterr().out.splitlines()]
    assert [one for one in said if one.startswith("of ")] == ["of root", "of named", "of other"]
    assert (during, after) == ((logging.DEBUG,) * 2, (logging.INFO, logging.WARNING))
    assert (root.level, named.level) == (before, logging.NOTSET)
