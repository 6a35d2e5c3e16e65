"""Boundaries of histograms that several parts of the catalogue have."""

from typing import Final

# Source: OpenTelemetry HTTP metrics, advised boundaries of http.server.request.duration.
LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
