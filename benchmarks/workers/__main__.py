"""The command: measure several workers alone, and put the section in its place in the report."""

import argparse
from pathlib import Path

from benchmarks.workers import section

_RESULTS = Path(__file__).parents[1] / "RESULTS.md"


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it works")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="the report that the section goes into")
    arguments = parser.parse_args()
    text = section(quick=arguments.quick)
    # It is the last one.
    before = arguments.out.read_text().partition(text.splitlines(keepends=True)[1])[0]
    arguments.out.write_text(f"{before.rstrip()}\n{text}")
    print(text)


if __name__ == "__main__":
    main()
