"""Whose the names on a page are: a page with the same series twice is no page to many scrapers."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

# Samples that are looked at in a fifth of a turn.
_SAMPLES_TOGETHER: Final = 1024


def claimed(owners: dict[str, object], collector: object, family: Metric) -> Iterator[bytes]:
    """Note whose the names of *family* are; yield nothing, often, because its samples may be many.

    Raises:
        ValueError: If one is another collector's: a page with the same series twice is no page to many.
    """
    names, samples = {family.name}, iter(family.samples)
    while some := {sample.name for sample in islice(samples, _SAMPLES_TOGETHER)}:
        names |= some
        yield b""
    if taken := [name for name in names if owners.setdefault(name, collector) is not collector]:
        raise ValueError(f"{taken[0]} is on the page already, from another collector")


def owners_of(registry: CollectorRegistry) -> dict[str, object]:
    """Return whose each name is, where that is known before anybody is asked."""
    known: Mapping[object, list[str]] = getattr(registry, "_collector_to_names", {})
    return {name: collector for collector, names in list(known.items()) for name in names}
