"""What settings must obey: each alone, and some together."""

from collections.abc import Iterator, Mapping
from typing import Any

from observekit.config.masked import cut
from observekit.config.setting import Setting


def broken(
    settings: Mapping[str, Setting], values: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the settings that break a rule, and the rule, as a sentence; *values* has all settings."""
    whole = True
    for name, about in settings.items():
        if not about.kind.accepts(values[name]):
            whole = False
            yield (name,), f"{name} is {cut(about.kind.masked(values[name]))}, but {about.kind.rule}."
    if whole:
        yield from _not_over(values, "span_batch_size", "span_queue_size")
        yield from _not_over(values, "check_timeout_seconds", "probe_timeout_seconds")
        yield from _shared_paths(values)


def _not_over(values: Mapping[str, Any], low: str, high: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if values[low] > values[high]:
        rule = f"but must not be over {high}, which is {values[high]}."
        yield (low, high), f"{low} is {values[low]}, {rule}"


def _shared_paths(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    taken: dict[str, str] = {}
    for name in ("metrics_path", "liveness_path", "readiness_path", "startup_path"):
        path = values[name]
        if path is not None and path in taken:
            rule = f"but {taken[path]} is the same; each needs its own."
            yield (taken[path], name), f"{name} is {path!r}, {rule}"
        elif path is not None:
            taken[path] = name
