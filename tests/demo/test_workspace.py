"""What a demo keeps on disk goes with it, and what one left that was killed goes with the next."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from observekit.cli.demo.workspace import workspace

HELD = """
import sys
from observekit.cli.demo.workspace import workspace
with workspace() as directory:
    print(directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_directory_of_a_demo_that_was_killed_is_removed_by_the_next(home: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", HELD], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        other = Path(demo.stdout.readline().strip())
        (other / "log").write_text("line")

        with workspace() as own:
            beside_a_live_one = (other.is_dir(), own.is_dir())
        demo.kill()
        demo.wait()
        with workspace():
            beside_a_dead_one = other.exists()

    assert beside_a_live_one == (True, True)
    assert not beside_a_dead_one
    assert list(home.iterdir()) == []


def test_what_is_no_directory_of_a_demo_stays(home: Path) -> None:
    (home / "kept").mkdir()
    (home / "observekit-demo-link").symlink_to(home / "kept")
    (home / "observekit-demo-file").write_text("")

    with workspace():
        pass

    assert sorted(one.name for one in home.iterdir()) == [
        "kept",
        "observekit-demo-file",
        "observekit-demo-link",
    ]
