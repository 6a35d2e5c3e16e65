"""Traces go through real brokers: redis streams, RabbitMQ and NATS, also when they deliver again."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from observekit import Kit, setup

if TYPE_CHECKING:
    from tests.real_servers.programs import Server

pytestmark = pytest.mark.once

LONG = 30.0


class Seen:
    """A kit, and the spans that it made."""

    def __init__(self) -> None:
        # Instrumentations of these libraries, where there are some, would add spans of their own.
        self.kit: Kit = setup(registry=CollectorRegistry(), logs="off", disabled_instrumentations=("*",))
        self._exporter = InMemorySpanExporter()
        provider: Any = trace.get_tracer_provider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def assert_one_trace(self, sent: int, processed: int) -> None:
        """Assert that each span of processing is a child of the span that sent its message."""
        senders = {span.context.span_id: span for span in self.named("send orders") if span.context}
        children = self.named("process orders")
        assert (len(senders), len(children)) == (sent, processed)
        for child in children:
            assert child.parent is not None
            assert child.context is not None
            sender = senders[child.parent.span_id].context
            assert sender is not None
            assert sender.trace_id == child.context.trace_id


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.kit.shutdown()


def test_redis_streams_carry_the_trace_and_a_pending_entry_stays_in_it(
    seen: Seen, redis_server: "Server"
) -> None:
    redis: Any = pytest.importorskip("redis")
    messages = seen.kit.messages
    client = redis.Redis(port=redis_server.port, socket_timeout=LONG)
    client.xgroup_create("orders", "workers", mkstream=True)
    for number in range(2):
        with messages.publish("redis", "orders") as headers:
            client.xadd("orders", {"number": number, **headers})

    def read(consumer: str, since: str, *, fail: bool) -> int:
        ((_, entries),) = client.xreadgroup("workers", consumer, {"orders": since}, count=10)
        for entry, fields in entries:
            try:
                with messages.process("redis", "orders", fields, redelivered=since != ">"):
                    assert not fail or fields[b"number"] != b"1"
            except AssertionError:
                continue  # As of a consumer that is killed before it says that it is done.
            client.xack("orders", "workers", entry)
        return len(entries)

    assert read("one", ">", fail=True) == 2
    assert read("one", "0", fail=False) == 1
    assert client.xpending("orders", "workers")["pending"] == 0
    client.close()
    seen.assert_one_trace(sent=2, processed=3)


def test_a_batch_of_a_stream_is_a_trace_with_links(seen: Seen, redis_server: "Server") -> None:
    redis: Any = pytest.importorskip("redis")
    client = redis.Redis(port=redis_server.port, socket_timeout=LONG)
    for _ in range(3):
        with seen.kit.messages.publish("redis", "orders") as headers:
            client.xadd("batch", headers)

    entries = client.xrange("batch")
    with seen.kit.messages.process_batch("redis", "orders", [fields for _, fields in entries]):
        pass
    client.close()

    (span,) = seen.named("process orders")
    assert span.parent is None
    senders = [one.context for one in seen.named("send orders") if one.context]
    assert [link.context.span_id for link in span.links] == [sender.span_id for sender in senders]


def test_rabbitmq_carries_the_trace_and_a_message_that_was_refused_stays_in_it(
    seen: Seen, rabbitmq_server: "Server"
) -> None:
    pika: Any = pytest.importorskip("aio_pika")
    messages = seen.kit.messages

    async def run() -> list[bool]:
        connection = await pika.connect(f"amqp://guest:guest@127.0.0.1:{rabbitmq_server.port}/")
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("orders", auto_delete=True)
            with messages.publish("rabbitmq", "orders") as headers:
                body = pika.Message(b"one", headers={"x-any": 1, **headers})
                await channel.default_exchange.publish(body, routing_key="orders")
            again = []
            for refused in (True, False):
                message = await queue.get(timeout=LONG)
                again.append(bool(message.redelivered))
                with messages.process(
                    "rabbitmq", "orders", message.headers, redelivered=bool(message.redelivered)
                ):
                    await (message.nack(requeue=True) if refused else message.ack())
            return again

    assert asyncio.run(run()) == [False, True]
    seen.assert_one_trace(sent=1, processed=2)
    marked = [
        (span.attributes or {}).get("messaging.message.redelivered") for span in seen.named("process orders")
    ]
    assert marked == [None, True]


def test_nats_carries_the_trace(seen: Seen, nats_server: "Server") -> None:
    nats: Any = pytest.importorskip("nats")
    messages = seen.kit.messages

    async def run() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{nats_server.port}")
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        await client.subscribe("orders", cb=arrived.put)
        with messages.publish("nats", "orders") as headers:
            await client.publish("orders", b"one", headers=headers)
        await client.publish("orders", b"without headers")
        for _ in range(2):
            message = await asyncio.wait_for(arrived.get(), LONG)
            if message.headers:
                with messages.process("nats", "orders", message.headers):
                    pass
            else:
                with messages.process("nats", "others", message.headers) as span:
                    assert span.get_span_context().is_valid
        await client.close()

    asyncio.run(run())

    seen.assert_one_trace(sent=1, processed=1)
    (alone,) = seen.named("process others")
    assert (alone.parent, list(alone.links)) == (None, [])
