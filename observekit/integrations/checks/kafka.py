"""Kafka: the metadata of no topic at all, over the application's connections to its brokers."""

from typing import Any, Final

from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import asking, needed

# Above what a check may take; librdkafka is to let go of its thread all the same.
_SECONDS: Final = 5.0


def _asking_aiokafka(client: Any) -> CheckFunction:
    async def ask() -> None:
        request = needed("aiokafka.protocol.metadata", "aiokafka", "kafka").MetadataRequest([])
        inner = getattr(client, "client", None) or client._client  # noqa: SLF001 -- a producer's is public
        node = inner.get_random_node()
        if node is None:
            raise ConnectionError("no broker of Kafka is known")
        await inner.send(node, request)

    return ask


def _asking_confluent(client: Any) -> CheckFunction:
    def ask() -> bool:
        # A topic that is not there is not made for it, and the answer is short.
        return bool(client.list_topics(topic="__consumer_offsets", timeout=_SECONDS).brokers)

    return ask


_AIOKAFKA: Final = ("AIOKafkaAdminClient", "AIOKafkaConsumer", "AIOKafkaProducer")
_CONFLUENT: Final = ("AdminClient", "Consumer", "Producer")
_HOWS: Final = {
    **{f"aiokafka.{kind}": _asking_aiokafka for kind in _AIOKAFKA},
    **{
        f"{package}.{kind}": _asking_confluent
        for kind in _CONFLUENT
        for package in ("confluent_kafka", "cimpl")
    },
}


def kafka(client: object) -> CheckFunction:
    """Return a check that asks a broker of Kafka for metadata.

    Args:
        client: A producer, consumer or admin client of aiokafka or confluent-kafka, or a function that
            returns it.

    Raises:
        ConfigError: If it is none.
    """
    return asking(client, _HOWS, "kafka", asks="Kafka")
