"""Signals as a queue: none interrupts the supervisor, and each is told with who has sent it."""

import signal
from signal import Signals as Signal
from typing import Final, NamedTuple

# Source: linux/asm-generic/siginfo.h, SI_KERNEL: as the terminal's driver sends it, for Ctrl-C.
_SI_KERNEL: Final = 0x80

ASKED: Final = frozenset(
    {
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGWINCH,
    }
)
"""What can be asked of a server."""
# Those that Python ignores, and a program expects not to be ignored.
_OF_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)


class Received(NamedTuple):
    """A signal; one from the terminal has gone to the whole group of processes, so the command has it too."""

    signal: Signal
    from_terminal: bool


class Signals:
    """Holds back all signals that are asked for, from its making on; there is no way back."""

    def __init__(self) -> None:
        waited = ASKED | {signal.SIGCHLD}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        self._waited = waited
        self._ignored = [one for one in ASKED if signal.getsignal(one) is signal.SIG_IGN]
        for one in waited:
            # Who is started with nohup goes on when the terminal closes; otherwise, a signal that is ignored
            # would not be held back, as SIGINT is in the background job of a script.
            if one != signal.SIGHUP or one not in self._ignored:
                signal.signal(one, signal.SIG_DFL)

    def wait(self, seconds: float | None) -> Received | None:
        """Return the next signal, none after so many seconds; ``None`` waits for ever."""
        if seconds is None:
            about = signal.sigwaitinfo(self._waited)
        else:
            timed = signal.sigtimedwait(self._waited, max(0.0, seconds))
            if timed is None:
                return None
            about = timed
        return Received(Signal(about.si_signo), about.si_code == _SI_KERNEL)

    def give_back(self) -> None:
        """Restore what was, in a child before it becomes the command."""
        for one in _OF_PYTHON:
            signal.signal(one, signal.SIG_DFL)
        for one in ASKED:
            signal.signal(one, signal.SIG_IGN if one in self._ignored else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
