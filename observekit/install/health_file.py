"""A file that says how the process is, for probes that run a command and processes without a port."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

from observekit.asgi import Response, Scope
from observekit.guard import Guard

EVERY_SECONDS: Final = 5.0
"""Kubernetes asks every 10 s unless told otherwise: half of that is never older than one answer."""

Ask = Callable[[Scope], Awaitable[Response]]

_OK: Final = 200
_NOBODY: Final[Mapping[str, Any]] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 0),
}


class HealthFile:
    """Writes *file* every few seconds with the answers to *questions*, from a thread of its own.

    A process that is killed leaves it behind; it says when it was written. A forked child writes none.
    """

    def __init__(self, file: Path, questions: Mapping[str, Ask], guard: Guard) -> None:
        self._file = file
        self._questions = questions
        self._guard = guard
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="observekit-heartbeat", daemon=True)
        self._owner = os.getpid()

    def start(self) -> None:
        """Begin to write.

        Raises:
            RuntimeError: If there can be no further thread.
        """
        self._thread.start()

    def stop(self, budget_seconds: float) -> None:
        """Write no more, and remove the file: who finds none is told nothing that is not true any more."""
        self._ended.set()
        if self._owner != os.getpid():
            return
        self._thread.join(budget_seconds)
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _beat(self) -> None:
        with asyncio.Runner() as runner:
            while not self._ended.is_set():
                try:
                    self._write(runner.run(self._answers()))
                except Exception as error:  # noqa: BLE001 -- the disk may be full, and a check anybody's
                    self._guard.failed("health", error)
                self._ended.wait(EVERY_SECONDS)

    async def _answers(self) -> dict[str, str]:
        answers = {}
        for name, ask in self._questions.items():
            response = await ask(dict(_NOBODY))
            body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
            word = body.decode().partition("\n")[0]
            answers[name] = "ok" if response.status == _OK else word if word != "ok" else "failed"
        return answers

    def _write(self, answers: Mapping[str, str]) -> None:
        said = {"at": monotonic(), "every_seconds": EVERY_SECONDS, "pid": os.getpid(), **answers}
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.replace(self._file)  # Whoever reads finds the old answer or the new one, never half of one.
