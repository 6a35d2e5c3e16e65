"""Logs: one shape for structlog and stdlib records, written by a thread that nothing waits for."""
