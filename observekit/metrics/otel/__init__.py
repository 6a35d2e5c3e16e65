"""Metrics made through OpenTelemetry's API, on the same page as everybody else's."""
