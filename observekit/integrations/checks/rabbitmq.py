"""RabbitMQ: a channel is opened and closed on the application's connection of aio-pika."""

from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.outstanding import Outstanding
from observekit.integrations.checks.ready import asking


def _asking(connection: Any) -> CheckFunction:
    # Of a question that was cancelled a channel would stay open over there, one for each run of an outage.
    outstanding = Outstanding()

    async def open_and_close() -> None:
        channel = await connection.channel()
        await channel.close()

    async def ask() -> None:
        if connection.is_closed:
            raise ConnectionError("the connection to RabbitMQ is closed")
        await outstanding.answer(open_and_close)

    return ask


_HOWS: Final = {"aio_pika.Connection": _asking}


def rabbitmq(connection: object) -> CheckFunction:
    """Return a check that has RabbitMQ open a channel.

    Args:
        connection: A connection of aio-pika, robust or not, or a function that returns it.

    Raises:
        ConfigError: If it is none.
    """
    return asking(connection, _HOWS, "rabbitmq", asks="RabbitMQ")
