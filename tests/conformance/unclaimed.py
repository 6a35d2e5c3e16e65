"""What a subject may leave out: each of these skips the test that asks for it, and says why."""

from typing import NoReturn

import pytest

from .client import Counted
from .sockets import Connected
from .subjects import Aborted, Told


class Unclaimed:
    """The answers of a subject to what it does not claim to tell."""

    def set_up(self, *, series_limit: int | None = None, spans: bool = True) -> None:  # noqa: ARG002 -- of Subject
        """Skip where a limit is asked for; whoever makes no spans need not be told to make none."""
        if series_limit is not None:
            not_claimed("a limit to the series of a family")

    def expected(self) -> list[Counted]:
        """Skip."""
        not_claimed("series at zero")

    def aborts(self) -> list[Aborted]:
        """Skip."""
        not_claimed("a count of aborted requests")

    def first_byte_seconds(self) -> float:
        """Skip."""
        not_claimed("the time to the first byte")

    def background_seconds(self) -> float:
        """Skip."""
        not_claimed("the time of background tasks")

    def connections(self) -> list[Connected]:
        """Skip."""
        not_claimed("a count of WebSocket connections")

    def open_connections(self) -> float:
        """Skip."""
        not_claimed("a gauge of WebSocket connections")

    def connection_seconds(self) -> float:
        """Skip."""
        not_claimed("the duration of WebSocket connections")

    def messages(self) -> tuple[float, float]:
        """Skip."""
        not_claimed("a count of WebSocket messages")

    def spans(self) -> list[Told]:
        """Skip."""
        not_claimed("SERVER spans")

    def named_spans(self) -> list[Told]:
        """Skip."""
        not_claimed("SERVER spans with the name of a route")


def not_claimed(signal: str) -> NoReturn:
    """Skip the test: there is no such *signal*."""
    pytest.skip(f"does not claim {signal}")
