"""The command: measure, and write the report."""

import argparse
from pathlib import Path

from benchmarks import facts, measure, parts, throughput, workers
from benchmarks.measure import Effort
from benchmarks.parts import Rounds
from benchmarks.report import Run

_RESULTS = Path(__file__).with_name("RESULTS.md")
_WHOLE = Effort(generations=5, rounds=4, requests=2048, warm_up=512)
_QUICK = Effort(generations=1, rounds=3, requests=512, warm_up=128)
_WHOLE_PARTS = Rounds(small=15, large=7, crowd=(15, 1))
_QUICK_PARTS = Rounds(small=3, large=2, crowd=(1, 1))


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it works")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="where the report goes")
    arguments = parser.parse_args()
    load = facts.load()
    effort = _QUICK if arguments.quick else _WHOLE
    rounds, seconds = (1, 1) if arguments.quick else (5, 3)
    requests = measure.measure(effort)
    served = throughput.measure(rounds, seconds)
    others = parts.measure(_QUICK_PARTS if arguments.quick else _WHOLE_PARTS)
    text = Run(effort, requests, (rounds, seconds), served, others).text(load)
    text += workers.section(quick=arguments.quick)
    arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
