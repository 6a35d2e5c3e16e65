"""Settings that are right alone and wrong together."""

from collections.abc import Iterator, Mapping
from typing import Any


def contradictions(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the settings that contradict each other, and how, as a sentence."""
    yield from _not_over(values, "span_batch_size", "span_queue_size")
    yield from _not_over(values, "check_timeout_seconds", "probe_timeout_seconds")
    yield from _shared_paths(values)


def _not_over(values: Mapping[str, Any], low: str, high: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if values[low] > values[high]:
        rule = f"but must not be over {high}, which is {values[high]:g}."
        yield (low, high), f"{low} is {values[low]:g}, {rule}"


def _shared_paths(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    taken: dict[str, str] = {}
    for name in ("metrics_path", "liveness_path", "readiness_path", "startup_path"):
        path = values[name]
        if path is not None and path in taken:
            yield (
                (taken[path], name),
                f"{name} is {path!r}, but {taken[path]} is the same; each needs its own.",
            )
        elif path is not None:
            taken[path] = name
