"""Signals in odd orders: ``python -m tests.drain.signals`` sends twelve sequences to each server.

Each server gets them by itself and under ``observekit run``, and SIGNALS.md is written of it. Under the
supervisor there has to be an end, nothing may be left behind, and the exit code has to be that of an end by
itself, or 0; that it is too for a server that ended itself by the SIGTERM that it was sent.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Final, NamedTuple

from tests.drain.servers import APP, SERVERS, Server
from tests.drain.service import LONG, Service, free_port, is_alive, running, supervised, until
from tests.drain.table import rows_in

TABLE: Final = Path(__file__).with_name("SIGNALS.md")
_GAP_SECONDS: Final = 0.2
_KILLED: Final = 128 + signal.SIGKILL
# Servers that wait for a stream would wait for ever; gunicorn gives its workers 30 s unless told otherwise.
_ALONE_SECONDS: Final = 10.0

_HEAD: Final = """# Signals in odd orders

How each server ends by itself, and under `observekit run` with a drain of 0.5 s and a time-out of 10 s, with
a stream 1.5 s. By itself it has 10 s, and may need longer: what does not end then is ended by the supervisor,
which is 137. So is who was told to hurry by a second signal, and has not ended 2 s after that.
Made by `python -m tests.drain.signals`.

| server | signals | exit code by itself | under `observekit run` |
| --- | --- | --- | --- |
"""

TERM, INT, HUP, QUIT = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT
USR1, USR2, TTIN, TTOU = signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU


class Sequence(NamedTuple):
    """Signals for a server that is *ready* or is about to be, with or without a *stream* without an end."""

    signals: tuple[signal.Signals, ...]
    ready: bool = True
    stream: bool = False

    @property
    def hurries(self) -> bool:
        """Whether a second signal asks for the end."""
        return len([one for one in self.signals if one in {TERM, INT}]) > 1


SEQUENCES: Final = {
    "TERM": Sequence((TERM,)),
    "TERM TERM": Sequence((TERM, TERM)),
    "TERM INT": Sequence((TERM, INT)),
    "INT": Sequence((INT,)),
    "INT INT": Sequence((INT, INT)),
    "INT TERM": Sequence((INT, TERM)),
    "HUP TERM": Sequence((HUP, TERM)),
    "USR1 TERM": Sequence((USR1, TERM)),
    "USR2 TERM": Sequence((USR2, TERM)),
    "TTIN TTOU TERM": Sequence((TTIN, TTOU, TERM)),
    "TERM at the start": Sequence((TERM,), ready=False),
    "TERM TERM TERM with a stream": Sequence((TERM, TERM, TERM), stream=True),
}


def options(sequence: Sequence) -> tuple[str, ...]:
    """Return the times of the supervisor: a server ends within 10 s, however busy the machine, or never."""
    return ("--drain-delay", "0.5", "--drain-timeout", "1.5" if sequence.stream else "10")


class Outcome(NamedTuple):
    """How it ended; ``code`` is none where it did not."""

    code: int | None
    left: int

    def __str__(self) -> str:
        code = "does not end" if self.code is None else str(self.code)
        return f"{code}, {self.left} left" if self.left else code


def outcome(command: list[str], port: int, sequence: Sequence, seconds: float) -> Outcome:
    """Start *command*, send the signals, and tell how it ends within so many seconds."""
    with TemporaryDirectory(prefix="drain-") as directory, ExitStack() as ends:
        service = ends.enter_context(running(command, Path(directory), port))
        if sequence.ready:
            until(lambda: service.get("/").status == 200 or service.ended(), "not there")
        else:
            until(lambda: len(service.family()) >= (2 if "observekit" in command else 1), "not there")
            sleep(_GAP_SECONDS)  # In the middle of its imports, wherever that is.
        if sequence.stream:
            ends.enter_context(_stream(service))
        family = service.family()
        for number in sequence.signals:
            with suppress(ProcessLookupError):
                service.send(number)
            sleep(_GAP_SECONDS)
        try:
            code: int | None = service.wait(seconds)
        except subprocess.TimeoutExpired:
            return Outcome(None, 0)
        with suppress(TimeoutError):
            until(lambda: not any(map(is_alive, family)), "somebody is left", 2.0)
        left = [pid for pid in family if is_alive(pid)]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return Outcome(code, len(left))


def _stream(service: Service) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), LONG)
    connection.sendall(b"GET /deaf HTTP/1.1\r\nhost: x\r\n\r\n")
    until(lambda: b"drop" in connection.recv(4096), "no stream")
    return connection


def is_right(alone: Outcome, run: Outcome, *, hurried: bool = False) -> bool:
    """Tell whether the end under the supervisor is one, and that of the server by itself where it has one.

    Who was *hurried* by a further signal has 2 s, and may be killed then.
    """
    if run.code is None or run.left:
        return False
    if alone.code is None or (hurried and run.code == _KILLED):
        return True
    expected = 0 if alone.code == -TERM else 128 - alone.code if alone.code < 0 else alone.code
    return run.code in {expected, 0}


def rows(server: Server, wanted: list[str]) -> Iterator[tuple[str, Outcome, Outcome]]:
    """Yield each sequence, how the server ends by itself, and how under the supervisor."""
    for label in wanted:
        sequence = SEQUENCES[label]
        port = free_port()
        alone = outcome(server.command(APP, port), port, sequence, _ALONE_SECONDS)
        port = free_port()
        run = outcome(supervised(server.command(APP, port), *options(sequence)), port, sequence, LONG)
        yield label, alone, run


def main() -> int:
    """Write the table, and return 1 if there was no end, or not the right one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", action="append", choices=tuple(SERVERS), help="only the rows of this one")
    parser.add_argument("--sequence", action="append", choices=tuple(SEQUENCES), help="only these rows")
    given = parser.parse_args()
    wrong = 0
    for name in given.server or SERVERS:
        for label, alone, run in rows(SERVERS[name], given.sequence or list(SEQUENCES)):
            right = is_right(alone, run, hurried=SEQUENCES[label].hurries)
            wrong += not right
            line = f"| {name} | {label} | {alone} | {run}{'' if right else ' **wrong**'} |"
            print(line, flush=True)
            before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
            write({**rows_in(before), (name, label): line})
    return int(wrong > 0)


def write(lines: dict[tuple[str, str], str]) -> None:
    """Write the table, in the order of servers and sequences."""
    found = [lines[name, label] for name in SERVERS for label in SEQUENCES if (name, label) in lines]
    TABLE.write_text(_HEAD + "\n".join(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
