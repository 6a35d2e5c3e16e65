"""Traces: context that is read strictly, spans that are bounded, and an export that nobody waits for."""
