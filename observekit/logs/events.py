"""What takes events of our own: the pipeline that makes lines of them, or the user's logging."""

from collections.abc import Mapping
from typing import Any, Protocol

from observekit.logs.prepared import PreparedEvent


class Events(Protocol):
    """Takes events; none of these raises."""

    def wants(self, level: str, logger: str) -> bool:
        """Whether records of *level* are taken in from *logger*."""

    def emit(
        self,
        level: str,
        event: str,
        fields: Mapping[str, Any],
        *,
        logger: str = "observekit",
        ids: Mapping[str, str] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Take one event."""

    def prepare(
        self, level: str, event: str, logger: str, constants: Mapping[str, Any], further: str
    ) -> PreparedEvent | None:
        """Return what writes *event* with the same fields each time; ``None`` where that is not known."""

    def further(self, fields: Mapping[str, Any]) -> str:
        """Return *fields* as a prepared event takes them."""
