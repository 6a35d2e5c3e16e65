"""Run Starlette's own tests bare and observed: ``compare.py DIRECTORY``, where its source distribution lies.

Traces are off, because Starlette's tests of its own tracing ask for spans that observekit, as the one owner
of a request, makes in its place; so is the metrics page, because those tests have routes of that name. Exits
with 1 where a test ends otherwise when it is observed, and with 3 where there was none to compare.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_HERE: Final = Path(__file__).parent
_SETTINGS: Final = {"OBSERVEKIT_TRACES": "off", "OBSERVEKIT_METRICS_PATH": "off", "OBSERVEKIT_LOGS": "json"}


def main(directory: Path) -> int:
    """Compare, and say what came of it."""
    bare, observed = outcomes(directory, {}), outcomes(directory, {"OBSERVED": "1", **_SETTINGS})
    sys.stdout.write(f"bare      {counts(bare)}\nobserved  {counts(observed)}\n")
    if "passed" not in bare.values():
        return 3
    changed = sorted(name for name in bare.keys() | observed.keys() if bare.get(name) != observed.get(name))
    sys.stdout.writelines(
        f"{name}: {bare.get(name, 'missing')} bare, {observed.get(name, 'missing')} observed\n"
        for name in changed
    )
    return int(bool(changed))


def outcomes(directory: Path, environment: dict[str, str]) -> dict[str, str]:
    """Run all tests, and return what came of each."""
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "outcomes.json"
        more = {"OUTCOMES": str(file), "PYTHONPATH": str(_HERE), **environment}
        command = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "-p", "observed"]
        subprocess.run(command, cwd=directory, env={**os.environ, **more}, stdout=sys.stderr, check=False)
        found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return found


def counts(found: dict[str, str]) -> str:
    """Return how many tests ended in which way."""
    ways = ("passed", "failed", "skipped")
    return ", ".join(f"{list(found.values()).count(way)} {way}" for way in ways)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
