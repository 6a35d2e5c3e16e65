"""``observekit run`` with small commands: signals, exit codes, orphans, and that there is always an end."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from tests.drain.peers import Said, report, sibling
from tests.drain.service import LONG, Service, is_alive, running, supervised, until

pytestmark = pytest.mark.once

NEVER = ("--drain-delay", "3000", "--drain-timeout", "3000")
"""Times that no test waits for."""

OBEDIENT = """
import signal, sys
names = ("TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "WINCH", "TTIN", "TTOU")
asked = {getattr(signal, f"SIG{name}") for name in names}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)  # None comes between two looks.
print("here", flush=True)
while True:
    number = signal.sigwait(asked)
    print(number.name, flush=True)
    if number in (signal.SIGTERM, signal.SIGINT):
        sys.exit(7)
"""
DEAF = OBEDIENT.replace("sys.exit(7)", "pass")


def said(service: Service, word: str) -> None:
    until(lambda: word in service.output.read_text().split(), f"{word}: {service.said()}")


def draining(directory: Path) -> None:
    """Wait until the supervisor has seen the first signal."""
    until(lambda: list(directory.glob("observekit-drain-*/run-*/draining")), "no flag")


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["sh", "-c", "exit 0"], 0),
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "kill -KILL $$"], 128 + 9),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["/no/such/command"], 127),
        (["/"], 126),
    ],
)
def test_the_exit_code_is_that_of_the_command(tmp_path: Path, command: list[str], code: int) -> None:
    with running(supervised(command), tmp_path) as service:
        assert service.wait() == code


def test_a_run_without_a_command_is_wrong_usage(tmp_path: Path) -> None:
    with running(supervised([]), tmp_path) as service:
        assert service.wait() == 2


def test_a_wrong_option_is_refused_with_its_rule(tmp_path: Path) -> None:
    with running(supervised(["true"], "--drain-delay=-1"), tmp_path) as service:
        assert service.wait() == 2

    assert "drain_delay_seconds is -1.0, but must be a number from 0 to 3600." in service.errors.read_text()


def test_the_command_gets_the_signal_after_the_delay_and_not_before(tmp_path: Path) -> None:
    with running(supervised(python(OBEDIENT), *NEVER), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGTERM)
        draining(tmp_path)
        service.send(signal.SIGUSR1)
        said(service, "SIGUSR1")
        before = service.output.read_text().split()
        service.send(signal.SIGTERM)

        assert service.wait() == 7

    assert before == ["here", "SIGUSR1"]
    assert service.output.read_text().split() == ["here", "SIGUSR1", "SIGTERM"]


def test_a_delay_that_is_over_needs_no_second_signal(tmp_path: Path) -> None:
    with running(supervised(python(OBEDIENT), "--drain-delay", "0.2"), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGTERM)

        assert service.wait() == 7


def test_who_keeps_the_supervisor_while_it_sends_what_waits_does_not_keep_the_signal(tmp_path: Path) -> None:
    options = ("--drain-delay", "0", "--drain-timeout", "0.5")
    over = Event()

    def answer(*_: str) -> Said | None:
        if asked[-1].endswith("?flush"):
            over.wait(LONG)
            return None
        return report("draining", ends_at_sigterm=True)

    budget = "60"  # The longest there is, and more than is waited here.
    with running(
        supervised(python(OBEDIENT), *options), tmp_path, OBSERVEKIT_SHUTDOWN_BUDGET=budget
    ) as service:
        said(service, "here")
        with sibling(tmp_path, answer) as asked:
            service.send(signal.SIGTERM)
            try:
                said(service, "SIGTERM")
            finally:
                over.set()

        assert service.wait() == 7


def test_an_interrupt_is_passed_on_at_once(tmp_path: Path) -> None:
    with running(supervised(python(OBEDIENT), *NEVER), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGINT)

        assert service.wait() == 7

    assert service.output.read_text().split() == ["here", "SIGINT"]


@pytest.mark.parametrize(
    "name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGWINCH", "SIGTTIN", "SIGTTOU"]
)
def test_other_signals_are_passed_on_as_they_are(tmp_path: Path, name: str) -> None:
    with running(supervised(python(OBEDIENT), *NEVER), tmp_path) as service:
        said(service, "here")
        service.send(signal.Signals[name])
        said(service, name)

        assert (service.output.read_text().split(), service.ended()) == (["here", name], False)


def test_a_command_that_does_not_listen_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    options = ("--drain-delay", "0", "--drain-timeout", "0.1")
    with running(supervised(python(DEAF), *options), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGTERM)

        assert service.wait() == 128 + signal.SIGKILL

    assert service.output.read_text().split() == ["here", "SIGTERM", "SIGINT"]
    assert len(service.events("observekit.run_killed")) == 1


@pytest.mark.parametrize("errors", ["full", "broken", "closed"])
def test_there_is_an_end_where_nobody_reads_what_is_said_of_it(tmp_path: Path, errors: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while errors == "full":
            os.write(reader, b"x")
    to = "&-" if errors == "closed" else pipe
    command = supervised(python(DEAF), "--drain-delay", "0", "--drain-timeout", "0.1")
    with running(["sh", "-c", f'exec "$@" 2>{to}', "sh", *command], tmp_path) as service:
        said(service, "here")
        child = service.family()[1]
        if errors == "broken":
            os.close(reader)
        service.send(signal.SIGTERM)

        assert service.wait() == 128 + signal.SIGKILL

    assert not is_alive(child)
    if errors != "broken":
        os.close(reader)


def test_whoever_is_in_a_hurry_gets_there_with_four_signals(tmp_path: Path) -> None:
    with running(supervised(python(DEAF), *NEVER), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGTERM)
        draining(tmp_path)
        service.send(signal.SIGTERM)
        said(service, "SIGTERM")
        service.send(signal.SIGTERM)
        said(service, "SIGINT")
        service.send(signal.SIGTERM)

        assert service.wait() == 128 + signal.SIGKILL


def test_a_death_by_the_signal_that_was_passed_on_is_an_orderly_end(tmp_path: Path) -> None:
    code = "import signal; print('here', flush=True); signal.pause()"
    with running(supervised(python(code), "--drain-delay", "0"), tmp_path) as service:
        said(service, "here")
        service.send(signal.SIGTERM)

        assert service.wait() == 0


@pytest.mark.parametrize(("trap", "hurried"), [("", False), ("trap '' TERM;", True)])
def test_what_the_command_leaves_behind_ends_with_it(tmp_path: Path, trap: str, hurried: bool) -> None:
    # The grandchild is nobody's when its parent has ended.
    command = ["sh", "-c", f"({trap} echo $$; exec sleep 600) & sleep 0.1; echo here; exit 5"]
    with running(supervised(command), tmp_path) as service:
        said(service, "here")
        main = int(service.output.read_text().split()[0])
        until(lambda: not is_alive(main), "the command goes on")
        left = service.family()[1:]
        if hurried:
            service.send(signal.SIGTERM)

        assert service.wait() == 5

    assert not any(map(is_alive, left))


def test_who_dies_of_a_signal_to_upgrade_has_left_nobody_to_go_on(tmp_path: Path) -> None:
    with running(supervised(["sh", "-c", "sleep 600 & echo here; wait"], *NEVER), tmp_path) as service:
        said(service, "here")
        left = service.family()[1:]
        service.send(signal.SIGUSR2)

        assert service.wait() == 128 + signal.SIGUSR2

    assert not any(map(is_alive, left))


def test_orphans_that_end_are_no_zombies(tmp_path: Path) -> None:
    command = ["sh", "-c", "sh -c 'sleep 0.1 & echo $!'; echo here; sleep 600"]
    with running(supervised(command), tmp_path) as service:
        said(service, "here")
        orphan = int(service.output.read_text().split()[0])
        until(lambda: not is_alive(orphan), "a zombie")

        assert not service.ended()


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of processes needs root")
def test_it_does_as_well_as_process_1_of_a_container(tmp_path: Path) -> None:
    container = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*container, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system makes no namespaces")
    command = ["sh", "-c", "sh -c 'sleep 0.1 &'; trap 'exit 7' TERM; echo here; while :; do sleep 0.1; done"]
    with running([*container, *supervised(command, "--drain-delay", "0")], tmp_path) as service:
        said(service, "here")
        first = service.family()[1]
        os.kill(first, signal.SIGTERM)

        assert service.wait() == 7


def test_a_supervisor_that_is_killed_takes_the_command_along(tmp_path: Path) -> None:
    with running(supervised(python(OBEDIENT)), tmp_path) as service:
        said(service, "here")
        child = service.family()[1]
        service.send(signal.SIGKILL)
        service.wait()
        until(lambda: not is_alive(child), "goes on alone")

    assert service.output.read_text().split() == ["here", "SIGTERM"]


def test_a_command_finds_signals_as_they_would_be_without(tmp_path: Path) -> None:
    # By a shell, because Python ignores signals of its own, and tells those that it starts.
    status = ["sh", "-c", "grep -E 'SigBlk|SigIgn' /proc/self/status"]
    ignoring = ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"]
    seen = []
    for number, command in enumerate(([*ignoring, *status], [*ignoring, *supervised(status)]), start=1):
        with running(command, tmp_path, number) as service:
            assert service.wait() == 0
        seen.append(service.output.read_text())

    assert seen[0] == seen[1]
    # Whoever runs the tests in the background ignores more.
    assert int(seen[0].rpartition("SigIgn:\t")[2], 16) & 0b11 == 0b11


def test_sockets_of_systemd_are_for_the_command(tmp_path: Path) -> None:
    code = "import os; print(os.environ['LISTEN_PID'] == str(os.getpid()))"
    command = supervised(python(code))
    shell = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
    with running(["sh", "-c", shell, "sh", *command], tmp_path) as service:
        service.wait()

    assert service.output.read_text() == "True\n"
