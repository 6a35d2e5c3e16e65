"""What is measured: each row a variant, how it samples, and who calls it."""

from dataclasses import dataclass
from typing import Final, Literal

Caller = Literal["nobody", "sampled", "unsampled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of requests.

    Attributes:
        name: Identifies the row.
        title: What the table calls it.
        variant: Module in ``variants`` that builds the application.
        ratio: Share of new traces that are sampled.
        caller: Whether the request has a ``traceparent``, and what that says.
        path: What is requested; ``{}`` is replaced by a number that differs from request to request.
        spans: Spans for each sampled request, which must all arrive; 0 where the variant makes none.
        base: Name of the row whose cost is subtracted.
        peer: Name of the row of the hand-assembled stack that does the same.
    """

    name: str
    title: str
    variant: str
    ratio: float = 1.0
    caller: Caller = "nobody"
    path: str = "/items/{}"
    spans: int = 0
    base: str = "bare"
    peer: str = "hand-sampled"

    @property
    def sampled(self) -> float:
        """Share of requests that are sampled."""
        return {"nobody": self.ratio, "sampled": 1.0, "unsampled": 0.0}[self.caller]


_PROBE: Final = "/livez"
_FEW: Final = 0.01

ROWS: Final = (
    Row(name="bare", title="bare Starlette", variant="bare"),
    Row(
        name="bare-probe",
        title="bare Starlette, its own `/livez`",
        variant="bare",
        path=_PROBE,
        base="bare-probe",
    ),
    Row(
        name="observekit-sampled",
        title="**observekit, everything on**, new trace, sampled",
        variant="observekit_all",
        spans=1,
    ),
    Row(
        name="observekit-child",
        title="the same, sampled caller",
        variant="observekit_all",
        caller="sampled",
        spans=1,
        peer="hand-child",
    ),
    Row(
        name="observekit-few",
        title="**observekit, everything on**, 1 % of new traces sampled",
        variant="observekit_all",
        ratio=_FEW,
        spans=1,
        peer="hand-few",
    ),
    Row(
        name="observekit-unsampled",
        title="the same, unsampled caller",
        variant="observekit_all",
        caller="unsampled",
        spans=1,
        peer="hand-unsampled",
    ),
    Row(
        name="observekit-untraced",
        title="observekit, traces off",
        variant="observekit_untraced",
        peer="hand-few",
    ),
    Row(name="observekit-off", title="observekit, everything off", variant="observekit_off", peer="hand-few"),
    Row(
        name="observekit-probe",
        title="observekit, everything on, `/livez`",
        variant="observekit_all",
        path=_PROBE,
        base="bare-probe",
        peer="hand-few",
    ),
    Row(
        name="hand-sampled",
        title="**hand-assembled stack**, new trace, sampled",
        variant="hand_assembled",
        spans=3,
    ),
    Row(
        name="hand-child",
        title="the same, sampled caller",
        variant="hand_assembled",
        caller="sampled",
        spans=3,
        peer="hand-child",
    ),
    Row(
        name="hand-few",
        title="**hand-assembled stack**, 1 % of new traces sampled",
        variant="hand_assembled",
        ratio=_FEW,
        spans=3,
        peer="hand-few",
    ),
    Row(
        name="hand-unsampled",
        title="the same, unsampled caller",
        variant="hand_assembled",
        caller="unsampled",
        spans=3,
        peer="hand-unsampled",
    ),
    Row(
        name="floor-sampled",
        title="floor: the same written by hand for this application alone, sampled",
        variant="floor",
        spans=1,
    ),
    Row(
        name="floor-few",
        title="floor, 1 % sampled",
        variant="floor",
        ratio=_FEW,
        spans=1,
        peer="hand-few",
    ),
    Row(name="otel-sampled", title="OpenTelemetry ASGI alone, sampled", variant="otel_asgi", spans=3),
    Row(
        name="otel-few",
        title="OpenTelemetry ASGI alone, 1 % sampled",
        variant="otel_asgi",
        ratio=_FEW,
        spans=3,
        peer="hand-few",
    ),
    Row(
        name="starlette-sampled",
        title="Starlette's own OpenTelemetry middleware, sampled",
        variant="starlette_otel",
        spans=1,
    ),
    Row(
        name="starlette-few",
        title="Starlette's own OpenTelemetry middleware, 1 % sampled",
        variant="starlette_otel",
        ratio=_FEW,
        spans=1,
        peer="hand-few",
    ),
    Row(
        name="instrumentator",
        title="prometheus-fastapi-instrumentator alone",
        variant="instrumentator",
        peer="hand-few",
    ),
    Row(
        name="starlette-exporter",
        title="starlette-exporter alone",
        variant="starlette_exporter",
        peer="hand-few",
    ),
)

BY_NAME: Final = {row.name: row for row in ROWS}

SERVED: Final = ("bare", "observekit-few", "observekit-sampled", "hand-few", "hand-sampled")
"""Rows whose applications are also measured through a server."""
