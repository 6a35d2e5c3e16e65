"""Many workers: what they cost and what they show, beside prometheus-client's own multiprocess mode."""

from benchmarks.workers import measured, report


def section(*, quick: bool) -> str:
    """Measure all of it, and return what is said of it."""
    return "\n".join(report.lines(measured.measure(quick=quick))) + "\n"
