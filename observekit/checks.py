"""Ready-made health checks: ``kit.readiness("db")(postgres(pool))``.

Each asks with the application's own pool or client, so that it measures what the service uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from observekit.integrations.checks.alembic import migrations
    from observekit.integrations.checks.certificate import certificate_expiry
    from observekit.integrations.checks.host import disk_space, event_loop, memory, writable
    from observekit.integrations.checks.http import http_upstream
    from observekit.integrations.checks.kafka import kafka
    from observekit.integrations.checks.nats import nats
    from observekit.integrations.checks.network import dns, smtp
    from observekit.integrations.checks.postgres import postgres
    from observekit.integrations.checks.rabbitmq import rabbitmq
    from observekit.integrations.checks.redis import redis
    from observekit.integrations.checks.sqlalchemy import sqlalchemy
    from observekit.integrations.checks.telemetry import telemetry

__all__ = [
    "certificate_expiry",
    "disk_space",
    "dns",
    "event_loop",
    "http_upstream",
    "kafka",
    "memory",
    "migrations",
    "nats",
    "postgres",
    "rabbitmq",
    "redis",
    "smtp",
    "sqlalchemy",
    "telemetry",
    "writable",
]

_HOME = {
    "certificate_expiry": "certificate",
    "disk_space": "host",
    "dns": "network",
    "event_loop": "host",
    "http_upstream": "http",
    "kafka": "kafka",
    "memory": "host",
    "migrations": "alembic",
    "nats": "nats",
    "postgres": "postgres",
    "rabbitmq": "rabbitmq",
    "redis": "redis",
    "smtp": "network",
    "sqlalchemy": "sqlalchemy",
    "telemetry": "telemetry",
    "writable": "host",
}


def __getattr__(name: str) -> object:
    """Import a check on first use, so that the others cost nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"observekit.integrations.checks.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
