"""Several processes that write to one pipe, file or socket tear no line, however long."""

import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Strict = Callable[[bytes | str], Any]

PROCESSES = 4
ROUNDS = 8
# Characters of a text, of which the longest line has four: lines of 0.5, 4, 5, 9, 20 and 45 kB.
SIZES = (0.2, 3.6, 4.6, 8.6, 19.6, 44.0)
WRITER = f"""
import os, sys
from observekit import get_logger, setup
def write(number):
    log = get_logger("many").bind(writer=number)
    for round in range({ROUNDS}):
        for size in {SIZES}:
            part = "x" * int(size * 250)
            log.info("line", round=round, size=size, a=part, b=part, c=part, d=part)
number = int(sys.argv[1])
kit = setup(log_format="json", traces=False)
if number >= 0:
    write(number)
else:
    # Before the fork, as a server that loads the application first; then in each child.
    children = []
    for number in range({PROCESSES}):
        child = os.fork()
        if not child:
            write(number)
            sys.exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
"""


def run(forked: bool, output: int) -> None:
    numbers = [-1] if forked else range(PROCESSES)
    command = [sys.executable, "-c", WRITER]
    running = [subprocess.Popen([*command, str(number)], stdout=output) for number in numbers]
    assert [one.wait(50) for one in running] == [0] * len(running)


def expected() -> Counter[tuple[int, int, float]]:
    return Counter(
        (writer, round_, size) for writer in range(PROCESSES) for round_ in range(ROUNDS) for size in SIZES
    )


def whole(data: bytes, strict: Strict) -> Counter[tuple[int, int, float]]:
    records = [strict(line) for line in data.splitlines()]
    lines = [record for record in records if record["event"] == "line"]
    lengths = {len(record[part]) for record in lines for part in "abcd"}
    assert lengths <= {int(size * 250) for size in SIZES}
    return Counter((line["writer"], line["round"], line["size"]) for line in lines)


def gather(receive: Callable[[int], bytes]) -> tuple[threading.Thread, list[bytes]]:
    found: list[bytes] = []

    def read() -> None:
        while piece := receive(65536):
            found.append(piece)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, found


@pytest.mark.once
@pytest.mark.parametrize("forked", [False, True], ids=["started", "forked"])
def test_no_line_in_a_pipe_is_torn(forked: bool, strict: Strict) -> None:
    reader, output = os.pipe()
    thread, found = gather(lambda size: os.read(reader, size))

    run(forked, output)
    os.close(output)
    thread.join(30)
    os.close(reader)

    assert whole(b"".join(found), strict) == expected()


@pytest.mark.once
@pytest.mark.parametrize("forked", [False, True], ids=["started", "forked"])
def test_no_line_in_a_socket_is_torn(forked: bool, strict: Strict) -> None:
    reader, output = socket.socketpair()
    thread, found = gather(reader.recv)

    run(forked, output.fileno())
    output.close()
    thread.join(30)
    reader.close()

    assert whole(b"".join(found), strict) == expected()


@pytest.mark.once
def test_no_line_in_a_file_is_torn(tmp_path: Path, strict: Strict) -> None:
    log = tmp_path / "log"

    with log.open("ab") as file:
        run(forked=False, output=file.fileno())

    assert whole(log.read_bytes(), strict) == expected()


def test_a_process_that_is_stopped_while_it_writes_does_not_silence_the_others(strict: Strict) -> None:
    holder = (
        "import fcntl, os, signal, sys\n"
        "fcntl.lockf(1, fcntl.LOCK_EX)\n"
        "print('locked', file=sys.stderr, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    reader, output = os.pipe()
    stopped = subprocess.Popen([sys.executable, "-c", holder], stdout=output, stderr=subprocess.PIPE)
    assert stopped.stderr is not None
    assert stopped.stderr.readline() == b"locked\n"
    script = "from observekit import get_logger, setup\nsetup(log_format='json')\nget_logger().info('said')\n"

    done = subprocess.run([sys.executable, "-c", script], stdout=output, check=False, timeout=50)
    stopped.kill()
    stopped.wait()
    stopped.stderr.close()
    os.close(output)
    with os.fdopen(reader, "rb") as file:
        events = [strict(line)["event"] for line in file]

    assert (done.returncode, "said" in events) == (0, True)
