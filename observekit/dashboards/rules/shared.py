"""What conditions of several rooms are made from."""

from observekit.catalogue.metrics import LIFECYCLE_STATE
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.series import Matcher, Series, samples

INSTANCE = "{{ $labels.instance }} of {{ $labels.job }}"
"""How a finding names the instance it is about."""


def in_state(state: str, given: Parameters) -> Series:
    """Select 1 or 0 for each process: whether it is in *state* of its life."""
    return samples(LIFECYCLE_STATE, Matcher("state", "=", state), *given.here)


def ours(given: Parameters) -> Series:
    """Select what every process with observekit shows, and no other does."""
    return in_state("ready", given)
