"""Metrics: cells that the hot path writes to, families that bound them, and the page Prometheus reads."""
