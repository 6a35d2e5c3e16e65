"""A file that says how the process is, for probes that run a command and processes without a port."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from time import monotonic
from typing import Any, Final, NamedTuple

from observekit.asgi import Response, Scope
from observekit.guard import Guard, around_forks
from observekit.health.asking import ask
from observekit.health.siblings import APART

EVERY_SECONDS: Final = 5.0
"""Kubernetes asks every 10 s unless told otherwise: half of that is never older than one answer."""

Ask = Callable[[Scope], Awaitable[Response]]

_OK: Final = 200
# Source: as for the readiness of all workers, half of what the kubelet waits.
_PATIENCE_SECONDS: Final = 0.5
_NOBODY: Final[Mapping[str, Any]] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 0),
}


class Others(NamedTuple):
    """The other workers of the service: where they listen, and where they are asked which question."""

    sockets: Callable[[], list[Path]]
    targets: Mapping[str, str]


class HealthFile:
    """Writes *file* every few seconds with the answers to *questions*, from a thread of its own.

    Several workers write one file: each asks the others too, so that whoever wrote last has said how all of
    them are. A process that is killed leaves it behind; it says when it was written. A forked child writes
    it when it has joined; a parent that has forked, and begins no life of its own (*begun*), leaves it to
    its children.
    """

    def __init__(
        self,
        file: Path,
        questions: Mapping[str, Ask],
        others: Others,
        begun: Callable[[], bool],
        guard: Guard,
    ) -> None:
        self._file = file
        self._questions = questions
        self._others = others
        self._begun = begun
        self._guard = guard
        self._has_forked = False
        self._owner = 0
        around_forks(self)

    def start(self) -> None:
        """Begin to write, in a process that does not yet.

        Raises:
            RuntimeError: If there can be no further thread.
        """
        if self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self._has_forked = False
        self._ended = Event()
        self._thread = Thread(
            target=self._beat, args=(self._ended,), name="observekit-heartbeat", daemon=True
        )
        self._thread.start()

    def before_fork(self) -> None:
        """Do nothing: a child has no part of this before it starts."""

    def after_fork(self) -> None:
        """Note that there may be children who serve."""
        self._has_forked = True

    def stop(self, budget_seconds: float) -> None:
        """Write no more, and remove the file: who finds none is told nothing that is not true any more."""
        if self._owner != os.getpid():
            return
        self._ended.set()
        self._thread.join(budget_seconds)
        if self._writes() and not self._others.sockets():
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def _writes(self) -> bool:
        return self._begun() or not self._has_forked

    def _beat(self, ended: Event) -> None:
        with asyncio.Runner() as runner:
            while not ended.is_set():
                try:
                    if self._writes():
                        self._write(runner.run(self._answers()))
                except Exception as error:  # noqa: BLE001 -- the disk may be full, and a check anybody's
                    self._guard.failed("health", error)
                ended.wait(EVERY_SECONDS)

    async def _answers(self) -> dict[str, str]:
        answers = {}
        for name, question in self._questions.items():
            response = await question(dict(_NOBODY))
            body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
            word = body.decode().partition("\n")[0]
            answers[name] = "ok" if response.status == _OK else word if word != "ok" else "failed"
            if answers[name] == "ok" and name in self._others.targets:
                answers[name] = self._of_the_others(self._others.targets[name])
        return answers

    def _of_the_others(self, target: str) -> str:
        """Return what the worst of the other workers says; this thread has nothing else to do."""
        replies, silent = ask(self._others.sockets(), "GET", target, _PATIENCE_SECONDS)
        said = [reply for reply in replies.values() if reply.status not in {_OK, APART}]
        refusals = [reply.text.partition("\n")[0] for reply in said]
        return next(iter(refusals), "silent" if silent else "ok")

    def _write(self, answers: Mapping[str, str]) -> None:
        said = {"at": monotonic(), "every_seconds": EVERY_SECONDS, "pid": os.getpid(), **answers}
        # Nobody can have put a link there, of which he does not know the name, and none would be followed.
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}-{token_hex(4)}")
        try:
            with draft.open("x", encoding="utf-8") as out:
                out.write(json.dumps(said))
            draft.replace(self._file)  # Whoever reads finds the old answer or the new one, never half of one.
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
