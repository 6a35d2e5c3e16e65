"""A command on a leash is the command itself, and ends with whoever started it."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

LEASH = (sys.executable, "-m", "observekit.cli.demo.leash")
PARENT = """
import os, subprocess, sys
own = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
leash = [sys.executable, "-m", "observekit.cli.demo.leash", str(os.getpid())]
subprocess.run([*leash, sys.executable, "-c", own])
"""


def test_the_command_takes_the_place_of_the_leash() -> None:
    code = "import os, sys; print(os.getpid()); sys.exit(7)"
    with subprocess.Popen(
        [*LEASH, str(os.getpid()), sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        said, _ = process.communicate(timeout=30)

    assert (int(said), process.returncode) == (process.pid, 7)


def test_a_command_whose_parent_is_gone_already_is_not_run() -> None:
    done = subprocess.run(
        [*LEASH, "1", sys.executable, "-c", "print('here')"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_command_whose_parent_is_killed_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        command = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        # The pipe ends when nobody has it any more: the command has gone with its parent.
        rest = parent.stdout.read()

    assert (command != parent.pid, rest) == (True, "")
