"""RabbitMQ and NATS, held still and back again; Kafka's metadata, of a peer that speaks as much of it."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aio_pika
import aiokafka
import nats
import pytest

from observekit import checks
from tests.checks.conftest import LONG
from tests.real_servers.programs import LOOPBACK, Server

if TYPE_CHECKING:
    from tests.checks.conftest import Service

pytestmark = [pytest.mark.once, pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


async def test_rabbitmq(service: "Service", rabbitmq_server: Server) -> None:
    connection = await aio_pika.connect_robust(f"amqp://guest:guest@{LOOPBACK}:{rabbitmq_server.port}/")
    service.add(checks.rabbitmq(connection))

    told = [(await service.until("ok")).result]
    with rabbitmq_server.paused():
        told.append((await service.said()).result)
    told.append((await service.until("ok")).result)
    await connection.close()
    told.append((await service.said()).result)

    assert told == ["ok", "timeout", "ok", "failed"]


async def test_nats(service: "Service", nats_server: Server) -> None:
    client = await nats.connect(f"nats://{LOOPBACK}:{nats_server.port}", reconnect_time_wait=0.05)
    heard = await client.subscribe("orders")
    service.add(checks.nats(client))

    told = [(await service.until("ok")).result]
    with nats_server.paused():
        told += [(await service.said()).result for _ in range(2)]
    told.append((await service.until("ok")).result)
    await client.publish("orders", b"1")
    first = (await heard.next_msg(LONG)).data  # What was not answered in time has not broken the connection.
    with nats_server.killed():
        told.append((await service.until("failed")).result)
    told.append((await service.until("ok")).result)
    await client.close()
    told.append((await service.said()).result)

    assert (told, first) == (["ok", "timeout", "timeout", "ok", "failed", "ok", "failed"], b"1")


class Kafka:
    """Speaks as much of Kafka's protocol as metadata takes: versions (key 18), and brokers (key 3).

    Source: Kafka protocol guide, ApiVersions v0 and Metadata v0 and v1.
    """

    def __init__(self) -> None:
        self.port = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                key, version, number = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
                await self.answers.wait()
                self.asked.append(key)
                body = struct.pack(">i", number) + self._answer(key, version)
                writer.write(struct.pack(">i", len(body)) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # It has asked enough.
        finally:
            writer.close()

    def _answer(self, key: int, version: int) -> bytes:
        if key == 18:
            versions = [(3, 0, 1), (18, 0, 0)]
            return struct.pack(">hi", 0, len(versions)) + b"".join(
                struct.pack(">hhh", *one) for one in versions
            )
        host = LOOPBACK.encode()
        broker = struct.pack(">iih", 1, 1, len(host)) + host + struct.pack(">i", self.port)
        rack_and_controller = struct.pack(">hi", -1, 1) if version else b""
        return broker + rack_and_controller + struct.pack(">i", 0)


@asynccontextmanager
async def broker() -> AsyncIterator[Kafka]:
    kafka = Kafka()
    server = await asyncio.start_server(kafka.serve, LOOPBACK, 0)
    kafka.port = server.sockets[0].getsockname()[1]
    async with server:
        yield kafka


async def test_kafka(service: "Service") -> None:
    async with broker() as kafka:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=f"{LOOPBACK}:{kafka.port}")
        await producer.client.bootstrap()
        service.add(checks.kafka(producer))

        told = [(await service.until("ok")).result]
        kafka.answers.clear()
        told.append((await service.said()).result)
        kafka.answers.set()
        told.append((await service.until("ok")).result)
        asked = len(kafka.asked)
        await producer.stop()

    assert told == ["ok", "timeout", "ok"]
    assert asked >= 3


class Producer:
    """Looks like one of confluent-kafka, whose package is not tested with."""

    __module__ = "confluent_kafka.cimpl"

    def __init__(self) -> None:
        self.brokers: dict[int, str] = {1: "here"}

    def list_topics(self, **asked: object) -> Any:
        self.asked = asked
        return self


async def test_kafka_by_a_client_on_a_thread(service: "Service") -> None:
    producer = Producer()
    service.add(checks.kafka(producer))

    told = [(await service.until("ok")).result]
    producer.brokers.clear()
    told.append((await service.said()).result)

    assert told == ["ok", "failed"]


class Connection:
    """Looks like one of aio-pika that opens no channel while it is deaf."""

    __module__ = "aio_pika.robust_connection"
    is_closed = False

    def __init__(self) -> None:
        self.asked = 0
        self.hears = asyncio.Event()

    async def channel(self) -> "Connection":
        self.asked += 1
        await self.hears.wait()
        return self

    async def close(self) -> None:
        return


async def test_what_a_function_returns_is_asked_once_until_it_answers(service: "Service") -> None:
    first, second = Connection(), Connection()
    now = [first]
    service.add(checks.rabbitmq(lambda: now[0]), timeout_seconds=0.05)

    told = [(await service.said()).result for _ in range(3)]
    asked = first.asked
    first.hears.set()
    told.append((await service.until("ok")).result)
    now[0] = second
    second.hears.set()
    told.append((await service.until("ok")).result)

    assert (told, asked) == (["timeout"] * 3 + ["ok"] * 2, 1)
    assert second.asked > 0
