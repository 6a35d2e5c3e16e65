"""What the export stands between: a way to the collector, and somebody who is told what becomes of spans."""

from typing import Protocol

from observekit.traces.ledger import Account
from observekit.traces.verdict import Verdict


class Transport(Protocol):
    """Sends one request at a time; made in the process that uses it."""

    def send(self, body: bytes, spans: int, deadline: float) -> Verdict:
        """Return what became of *spans* spans by *deadline*, a reading of a monotonic clock."""

    def interrupt(self) -> None:
        """Have a request that is under way fail at once, and all later ones; for any thread."""

    def close(self) -> None:
        """Let go of the connection."""


class Told(Account, Protocol):
    """Where it is written down and said what became of spans and requests."""

    def export_tried(self, outcome: str, seconds: float) -> None:
        """Note a request, its outcome and how long it took."""

    def spans_lost(self, spans: int, why: str) -> None:
        """Say that spans will not arrive."""

    def spans_wait(self, spans: int, why: str) -> None:
        """Say that the collector does not take spans for now."""
