"""Become a command that ends when its parent does, even by SIGKILL: ``python leash.py PARENT COMMAND ...``.

A process of its own, because no Python may run between fork and exec in a parent that has threads. Where the
kernel knows no such signal the command runs without.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Final

# Source: linux/prctl.h.
_PR_SET_PDEATHSIG: Final = 1


def main(parent: int, command: list[str]) -> None:
    """Replace this process, which *parent* has started, by *command*."""
    with suppress(ImportError, OSError, AttributeError):
        from ctypes import CDLL  # noqa: PLC0415 -- some builds of Python have none

        CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:  # Else it was too quick for us.
        os.execvp(command[0], command)  # noqa: S606 -- what the caller was told to run


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
