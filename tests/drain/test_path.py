"""What every Python below ``observekit run`` imports: servers observe, everything else is as without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import observekit

pytestmark = pytest.mark.once

# By its own name and not as Python does it, so that it is measured with all the rest.
HEAD = "import sys, observekit.cli.run.path.sitecustomize as ours\n"


def run(code: str, *paths: Path) -> "subprocess.CompletedProcess[str]":
    root = Path(observekit.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", HEAD + code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, root)))},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("uvicorn.config", "Config.load"),
        ("hypercorn.utils", "load_application"),
        ("gunicorn.workers.base", "Worker.load_wsgi"),
        ("granian._internal", "load_target"),
    ],
)
def test_a_server_is_changed_when_it_is_imported_and_found_as_ever(module: str, changed: str) -> None:
    done = run(
        f"import {module} as server\n"
        "from importlib.resources import files\n"
        f"print(server.{changed}.__wrapped__.__name__, server.__spec__.loader.is_package({module!r}))\n"
        "print(files(server.__package__).is_dir())\n"
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"{changed.rsplit('.', maxsplit=1)[-1]} False\nTrue\n",
        "",
    )


def test_a_server_that_cannot_be_observed_serves_and_says_why() -> None:
    done = run(
        "sys.modules['observekit.install.zero'] = None\n"
        "import uvicorn.config\n"
        "print(hasattr(uvicorn.config.Config.load, '__wrapped__'))\n"
    )

    assert (done.returncode, done.stdout) == (0, "False\n")
    assert done.stderr.startswith("observekit run: uvicorn.config is not observed: ModuleNotFoundError: ")


def test_other_modules_and_those_that_are_not_there_are_found_as_without() -> None:
    done = run(
        "import json\n"
        "finder = sys.meta_path[0]\n"
        "print(type(json.__spec__.loader).__name__, finder.find_spec('json', None))\n"
        "sys.meta_path[1:] = []\n"
        "print(finder.find_spec('uvicorn.config', []))\n"
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "SourceFileLoader None\nNone\n", "")


def test_the_next_sitecustomize_has_its_turn(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("theirs = 'here'\nprint(__name__.rpartition('.')[2])\n")

    done = run("print(sys.modules[ours.__name__].theirs)", tmp_path)

    # Once by Python itself, and once by ours.
    assert (done.returncode, done.stdout, done.stderr) == (0, "sitecustomize\nsitecustomize\nhere\n", "")
