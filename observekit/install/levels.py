"""Levels of loggers in all processes of a service: what is asked of one is passed on to the others."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlencode

from observekit.health.asking import ask
from observekit.install.kit import Kit
from observekit.logs.changes import Changes
from observekit.ops.levels import LEVELS_PATH, Actions
from observekit.ops.management import Words

_SIBLINGS_SECONDS: Final = 1.0
_CAUSE: Final = "asked to from outside"

OnThread = Callable[[Callable[[], None]], Awaitable[None]]


class LevelKeeper:
    """What a process does of levels for those who manage it.

    Args:
        kit: Whose levels they are.
        siblings: Returns the sockets of the other processes.
        on_thread: Does work beside the loop that serves.
    """

    def __init__(self, kit: Kit, siblings: Callable[[], list[Path]], on_thread: OnThread) -> None:
        self._kit = kit
        self._siblings = siblings
        self._on_thread = on_thread
        self._reached: list[int] = []
        self._silent = 0
        self.actions = Actions(self._report, self._change, self._undo)

    def catch_up(self) -> None:
        """Take over what the others have changed, for a worker that comes later; does not wait for it."""
        if self._kit.levels is not None and self._siblings():
            with suppress(RuntimeError):  # No more threads: the levels are those of the configuration.
                Thread(target=self._copy, name="observekit-siblings", daemon=True).start()

    def _copy(self) -> None:
        changes = self._kit.levels
        replies, _ = ask(self._siblings(), "GET", LEVELS_PATH, _SIBLINGS_SECONDS)
        for reply in replies.values():
            for one in _changed(reply.said):
                known = changes is None or any(mine["logger"] == one[0] for mine in changes.report())
                if changes is not None and not known:
                    with suppress(ValueError):
                        changes.change(*one, "changed in the other processes before this one came")

    def _report(self) -> dict[str, Any]:
        changes = self._kit.levels
        return {
            "service": self._kit.config.service_name,
            "pid": os.getpid(),
            "reached": sorted({os.getpid(), *self._reached}),
            "silent": self._silent,
            "levels": [] if changes is None else changes.report(),
        }

    async def _change(self, words: Words) -> None:
        self._changes().change(
            words.get("logger", ""),
            words.get("level", "").lower(),
            _number(words.get("seconds", "")),
            words.get("cause", "") or _CAUSE,
        )
        await self._tell("POST", words)

    async def _undo(self, words: Words) -> bool:
        undone = self._changes().undo(words.get("logger", ""), words.get("cause", "") or _CAUSE)
        await self._tell("DELETE", words)
        return undone

    def _changes(self) -> Changes:
        if self._kit.levels is None:
            raise ValueError("this service keeps its own logging, whose levels are its own business")
        return self._kit.levels

    async def _tell(self, method: str, words: Words) -> None:
        self._reached, self._silent = [], 0
        if "alone" in words:
            return
        target = f"{LEVELS_PATH}?{urlencode({**words, 'alone': ''})}"

        def tell() -> None:
            replies, silent = ask(self._siblings(), method, target, _SIBLINGS_SECONDS)
            said = [reply.said.get("pid") for reply in replies.values()]
            self._reached = [pid for pid in said if isinstance(pid, int)]
            self._silent = len(silent)

        await self._on_thread(tell)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("the time must be a number of seconds") from None


def _changed(said: Any) -> list[tuple[str, str, float]]:
    """Return what a sibling says that is changed; nothing of what cannot be read."""
    found = []
    for one in said.get("levels", []):
        with suppress(TypeError, KeyError, ValueError):
            found.append((str(one["logger"]), str(one["level"]), float(one["seconds_left"])))
    return found
