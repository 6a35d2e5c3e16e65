"""What an instance has of its own: disk, memory, loop, queues and the revision of its database."""

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

import observekit
from observekit import checks
from observekit.errors import ConfigError, RegistrationError

if TYPE_CHECKING:
    from tests.checks.conftest import Service


def test_there_is_room_until_more_is_wanted_than_there_is(service: "Service", tmp_path: Path) -> None:
    service.kit.add_check("it", checks.disk_space(tmp_path, min_free_bytes=1))
    service.kit.add_check("full", checks.disk_space(tmp_path, min_free_bytes=2**60))

    fine, full = asyncio.run(service.said()), asyncio.run(service.said("full"))

    assert fine == ("ok", "")
    assert (full.result, full.output.endswith("MiB are free")) == ("failed", True)


def test_a_directory_is_written_to_and_left_as_it_was(service: "Service", tmp_path: Path) -> None:
    service.kit.add_check("it", checks.writable(tmp_path))
    service.kit.add_check("gone", checks.writable(tmp_path / "gone"))

    told = asyncio.run(service.said()), asyncio.run(service.said("gone"))

    assert (told[0].result, told[1].result, list(tmp_path.iterdir())) == ("ok", "failed", [])
    assert told[1].output.startswith("FileNotFoundError: ")


def test_memory_passes_without_a_limit_and_fails_near_it(service: "Service", monkeypatch: Any) -> None:
    from observekit.metrics.saturation import Saturation

    used, limit = [900.0], [1000.0]
    monkeypatch.setattr(Saturation, "memory_usage_bytes", lambda _: iter([((), one) for one in used]))
    monkeypatch.setattr(Saturation, "memory_limit_bytes", lambda _: iter([((), one) for one in limit]))
    service.kit.add_check("it", checks.memory(max_ratio=0.95))

    told = [asyncio.run(service.said())]
    used[0] = 960.0
    told.append(asyncio.run(service.said()))
    limit.clear()
    told.append(asyncio.run(service.said()))

    assert [one.result for one in told] == ["ok", "failed", "ok"]
    assert told[1].output.startswith("MemoryError: 96% of ")


def test_a_loop_that_comes_round_late_is_found(service: "Service") -> None:
    service.kit.add_check("it", checks.event_loop(max_lag_seconds=0.05))

    async def ask() -> list[str]:
        told = [(await service.until("ok")).result]
        loop = asyncio.get_running_loop()
        blocked = threading.Event()

        def block() -> None:
            blocked.wait(0.1)
            loop.call_soon(block)

        block()
        told.append((await service.until("failed")).result)
        return told

    assert asyncio.run(ask()) == ["ok", "failed"]


def test_queues_of_ours_are_found_when_they_are_nearly_full(service: "Service") -> None:
    fill = [0.2]
    service.kit.engine.fills["spans"] = lambda: fill[0]
    service.kit.add_check("it", checks.telemetry(service.kit))

    told = [asyncio.run(service.said())]
    fill[0] = 0.95
    told.append(asyncio.run(service.said()))

    assert told == [("ok", ""), ("failed", "OverflowError: nearly full: spans 95%")]


def test_a_kit_knows_how_full_its_log_buffer_and_its_span_queue_are() -> None:
    from prometheus_client import CollectorRegistry

    kit = observekit.setup(
        registry=CollectorRegistry(), log_format="json", traces_endpoint="http://127.0.0.1:9/v1/traces"
    )
    fills = {name: fill() for name, fill in kit.engine.fills.items()}
    kit.shutdown(0.1)

    assert fills.keys() == {"logs", "traces"}
    assert all(0 <= fill < 0.5 for fill in fills.values())


ENV = """
from alembic import context
with context.config.attributes["connection"].begin():
    context.configure(connection=context.config.attributes["connection"])
    context.run_migrations()
"""
REVISION = """
revision, down_revision = {name!r}, {before!r}
def upgrade(): pass
def downgrade(): pass
"""


def test_the_database_has_to_be_at_the_newest_revision(service: "Service", tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    (versions / "a.py").write_text(REVISION.format(name="a1", before=None))
    (versions / "b.py").write_text(REVISION.format(name="b2", before="a1"))
    settings = tmp_path / "alembic.ini"
    settings.write_text(f"[alembic]\nscript_location = {versions.parent}\npath_separator = os\n")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'db'}")
    service.kit.startup("it")(checks.migrations(engine, settings))

    def upgrade(revision: str) -> None:
        config = Config(str(settings))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    told = [asyncio.run(service.said())]
    for revision in ("a1", "b2"):
        upgrade(revision)
        told.append(asyncio.run(service.said()))
    engine.dispose()

    assert told == [
        ("failed", "ValueError: the database is at no revision, and the code at b2"),
        ("failed", "ValueError: the database is at a1, and the code at b2"),
        ("ok", ""),
    ]


READ_BY = """
import pathlib, threading
pathlib.Path({told!r}).write_text(threading.current_thread().name)
"""


def test_revisions_are_read_beside_the_loop_of_an_asynchronous_engine(
    service: "Service", tmp_path: Path
) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    told = tmp_path / "told"
    read_by = READ_BY.format(told=str(told))
    (versions / "a.py").write_text(REVISION.format(name="a1", before=None) + read_by)
    settings = tmp_path / "alembic.ini"
    settings.write_text(f"[alembic]\nscript_location = {versions.parent}\npath_separator = os\n")
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'db'}")
    service.kit.startup("it")(checks.migrations(engine, settings))

    async def ask_twice() -> list[str]:
        said = [(await service.said()).output for _ in range(2)]
        await engine.dispose()
        return said

    said = asyncio.run(ask_twice())

    assert said == ["ValueError: the database is at no revision, and the code at a1"] * 2
    assert told.read_text() == "observekit-check-migrations"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: checks.disk_space("/", min_free_ratio=2),
            "min_free_ratio is 2, but must be from 0 to 1, like 0.05.",
        ),
        (lambda: checks.memory(max_ratio=0), "max_ratio is 0, but must be above 0 and at most 1, like 0.95."),
        (
            lambda: checks.redis(object()),
            (
                "redis() got an object of builtins.object, but asks with redis.Redis, redis.RedisCluster, "
                "valkey.Valkey, valkey.ValkeyCluster, or with a function that returns one of these."
            ),
        ),
        (
            lambda: checks.nats("nats://here"),
            (
                "nats() got an object of builtins.str, but asks with nats.Client, or with a function that "
                "returns one of these."
            ),
        ),
    ],
)
def test_a_wrong_argument_is_told_at_once(make: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as told:
        make()

    assert str(told.value) == problem


def test_a_client_that_is_not_there_yet_fails_and_says_so(service: "Service") -> None:
    said = service.run(checks.postgres(lambda: None))

    assert said == (
        "failed",
        "LookupError: there is nothing to ask with yet: postgres() was given a function that says None",
    )


SHARED: dict[str, Any] = {
    "postgres": lambda: checks.postgres(lambda: None),
    "http_upstream": lambda: checks.http_upstream("http://stock/livez"),
    "smtp": lambda: checks.smtp("mail"),
    "dns": lambda: checks.dns("stock"),
    "server's certificate": lambda: checks.certificate_expiry(server=("stock", 443)),
}
OWN: dict[str, Any] = {
    "disk_space": lambda: checks.disk_space("/"),
    "writable": lambda: checks.writable("/tmp"),  # noqa: S108 -- nothing is written
    "memory": checks.memory,
    "event_loop": checks.event_loop,
}


@pytest.mark.parametrize("make", SHARED.values(), ids=SHARED)
def test_what_is_shared_takes_no_instance_out_of_traffic_unless_told_and_never_decides_on_liveness(
    service: "Service", make: Any
) -> None:
    service.kit.readiness(make())
    service.kit.readiness("required", criticality="required")(make())
    with pytest.raises(RegistrationError, match="cannot decide on liveness"):
        service.kit.liveness("alive")(make())

    shown = [one.check.criticality for one in service.kit.engine._checks.values()]
    assert shown == ["degraded", "required"]


@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
def test_what_is_the_instances_own_may_decide_on_liveness(service: "Service", make: Any) -> None:
    check = make()
    service.kit.liveness(check)

    assert service.kit.engine.names("liveness") == [check.__name__]
