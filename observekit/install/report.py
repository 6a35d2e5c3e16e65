"""What a process says of itself to those who drain it, and what all workers of a service come to."""

import signal
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from observekit.health.asking import Reply

_OK: Final = 200


def summed(own: Mapping[str, Any], heard: Mapping[Path, Reply], asked: Iterable[Path]) -> dict[str, Any]:
    """Return the report *own* with what its siblings said: what is in flight, and their states."""
    said = [own, *(reply.said for reply in heard.values() if reply.status == _OK)]
    routes: Counter[str] = Counter()
    for one in said:
        routes.update(_counts(one.get("routes")))
    return {
        **own,
        "in_flight": sum(one.get("in_flight", 0) for one in said),
        "routes": dict(routes),
        "workers": dict(Counter(str(one.get("state")) for one in said)),
        "silent": len([path for path in asked if path not in heard or heard[path].status != _OK]),
    }


def ends_at_sigterm() -> bool:
    """Whether SIGTERM ends this process where it stands, since nothing in it listens to that."""
    return signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _counts(value: object) -> dict[str, int]:
    return value if isinstance(value, dict) else {}
