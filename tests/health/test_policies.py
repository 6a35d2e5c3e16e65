"""What a service of several workers says of its readiness, from what each of them says."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest

from observekit.health.siblings import Policy, Siblings
from observekit.health.state import Verdict


class Worker(Thread):
    """Another worker, as far as its socket says what it says."""

    def __init__(self, path: Path, status: int) -> None:
        super().__init__(daemon=True)
        self.path = path
        self._answer = f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(16)
        self.start()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(self._answer)

    def stop(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.join(10)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[list[Worker]]:
    workers = [Worker(tmp_path / f"{number}.sock", status) for number, status in enumerate((200, 503))]
    yield workers
    for one in workers:
        one.stop()


@pytest.mark.parametrize(
    ("policy", "own", "told"),
    [
        ("any", "failed", ("ok", "1 of 3 workers are ready")),
        ("all", "ok", ("failed", "2 of 3 workers are ready")),
        ("quorum", "ok", ("ok", "2 of 3 workers are ready")),
        ("quorum", "draining", ("draining", "1 of 3 workers are ready")),
    ],
)
def test_a_service_is_as_ready_as_its_policy_has_it(
    crew: list[Worker], policy: Policy, own: str, told: tuple[str, str]
) -> None:
    failed: list[Exception] = []
    siblings = Siblings(policy, "/readyz", lambda: [one.path for one in crew], failed.append)
    mine = Verdict(word=own)  # type: ignore[arg-type]
    deadline = monotonic() + 20

    said = siblings.verdict(mine)
    while said is mine and monotonic() < deadline:
        sleep(0.01)
        said = siblings.verdict(mine)
    siblings.stop()

    assert ((said.word, said.note), failed) == (told, [])


def test_a_worker_alone_answers_for_itself_and_a_failed_look_is_told() -> None:
    failed: list[Exception] = []

    def nowhere() -> list[Path]:
        raise OSError("no directory")

    siblings = Siblings("all", "/readyz", nowhere, failed.append)
    mine, deadline = Verdict(word="ok"), monotonic() + 20

    while not failed and monotonic() < deadline:
        assert siblings.verdict(mine) is mine
        sleep(0.01)
    siblings.stop()

    assert str(failed[0]) == "no directory"
