"""Databases and brokers from Debian, started for tests, and what can be done to them."""
