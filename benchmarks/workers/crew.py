"""Forked workers that have counted, and stay until their parent lets them go."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from traceback import print_exc


class Crew:
    """Children that did something and now wait."""

    def __init__(self, count: int, work: Callable[[], object]) -> None:
        self._ended, self._rope = os.pipe()
        self._pids = [self._fork(work) for _ in range(count)]

    def _fork(self, work: Callable[[], object]) -> int:
        done, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(self._rope)
                work()
                os.write(tell, b"x")
                os.read(self._ended, 1)  # The parent has the other end, as long as it lives.
            except BaseException:  # noqa: BLE001 -- nobody else will tell
                print_exc()
            finally:
                os._exit(0)
        os.close(tell)
        if not os.read(done, 1):
            raise RuntimeError("a worker has died over its work")
        os.close(done)
        return pid

    def kill(self, count: int) -> None:
        """Kill some of them."""
        for _ in range(count):
            pid = self._pids.pop()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def end(self) -> None:
        """Let all of them go."""
        os.close(self._rope)
        for pid in self._pids:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def dead(count: int, work: Callable[[], object]) -> None:
    """Have so many workers do something and be killed, one after the other."""
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                work()
                os.kill(os.getpid(), signal.SIGKILL)
            finally:
                print_exc()
                os._exit(1)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != -signal.SIGKILL:
            raise RuntimeError("a worker has died over its work")
