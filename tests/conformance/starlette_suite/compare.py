"""Run Starlette's own tests bare and observed: ``compare.py DIRECTORY``, where its source distribution lies.

The metrics page is off, because those tests have routes of that name. Starlette's tests of its own tracing
run without ours: they ask for spans that observekit, as the one owner of a request, makes in its place. Exits
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
_SETTINGS: Final = {"OBSERVED": "1", "OBSERVEKIT_METRICS_PATH": "off", "OBSERVEKIT_LOGS": "json"}
_UNTRACED: Final = {**_SETTINGS, "OBSERVEKIT_TRACES": "off"}
_TRACING: Final = "tests/middleware/test_opentelemetry.py"


def main(directory: Path) -> int:
    """Compare, and say what came of it."""
    bare = outcomes(directory, {}, "tests")
    observed = outcomes(directory, _SETTINGS, "tests", f"--ignore={_TRACING}")
    if (directory / _TRACING).exists():
        observed |= outcomes(directory, _UNTRACED, _TRACING)
    sys.stdout.write(f"bare      {counts(bare)}\nobserved  {counts(observed)}\n")
    if "passed" not in bare.values():
        return 3
    changed = sorted(name for name in bare.keys() | observed.keys() if bare.get(name) != observed.get(name))
    sys.stdout.writelines(
        f"{name}: {bare.get(name, 'missing')} bare, {observed.get(name, 'missing')} observed\n"
        for name in changed
    )
    return int(bool(changed))


def outcomes(directory: Path, environment: dict[str, str], *which: str) -> dict[str, str]:
    """Run tests, and return what came of each."""
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "outcomes.json"
        more = {"OUTCOMES": str(file), "PYTHONPATH": str(_HERE), **environment}
        command = [sys.executable, "-m", "pytest", *which, "-q", "-p", "no:cacheprovider", "-p", "observed"]
        subprocess.run(command, cwd=directory, env={**os.environ, **more}, stdout=sys.stderr, check=False)
        found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return found


def counts(found: dict[str, str]) -> str:
    """Return how many tests ended in which way."""
    ways = ("passed", "failed", "skipped")
    return ", ".join(f"{list(found.values()).count(way)} {way}" for way in ways)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
