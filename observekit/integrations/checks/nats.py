"""NATS: a ping on the application's connection, after all that it has sent."""

from functools import partial
from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.outstanding import Outstanding
from observekit.integrations.checks.ready import asking

# Its own time-out would cancel the question.
_SECONDS: Final = 24 * 3600


def _asking(client: Any) -> CheckFunction:
    # A question that was cancelled stays in the client's list; its answer then ends the task that reads the
    # connection, and with it all that the service receives.
    outstanding = Outstanding()

    async def ask() -> None:
        if not client.is_connected:
            outstanding.give_up()
            raise ConnectionError("not connected to NATS")
        # Another connection has another list, and does not answer what was asked on the last.
        await outstanding.answer(partial(client.flush, timeout=_SECONDS), client.stats["reconnects"])

    return ask


_HOWS: Final = {"nats.Client": _asking}


def nats(client: object) -> CheckFunction:
    """Return a check that pings NATS.

    Args:
        client: A client of nats-py, or a function that returns it.

    Raises:
        ConfigError: If it is none.
    """
    return asking(client, _HOWS, "nats", asks="NATS")
