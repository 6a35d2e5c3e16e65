"""Each line of a request has its ids, on whatever way it is said, and none has those of another."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import instrument
from tests.logs.crossing import WAYS, application, ask

IDS = ("trace_id", "span_id", "trace_flags")
Record = dict[str, Any]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[..., list[Record]]:
    """Send such requests all at once, and return what was logged meanwhile."""

    def crowd(ways: list[str], **settings: Any) -> list[Record]:
        async def all_at_once(app: Any) -> None:
            async with asyncio.TaskGroup() as tasks:
                for number, way in enumerate(ways):
                    tasks.create_task(ask(app, way, f"{way}-{number}"))

        with ThreadPoolExecutor(4) as pool:
            app = application(pool)
            kit = instrument(app, registry=CollectorRegistry(), log_format="json", **settings)
            app.state.kit = kit
            try:
                asyncio.run(all_at_once(app))
            finally:
                kit.shutdown()
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return crowd


def events(records: list[Record]) -> dict[str, Record]:
    """Return the canonical events by who asked."""
    return {
        record["url_path"].rpartition("/")[2]: record
        for record in records
        if record["event"] in {"http.request", "websocket.connection"}
    }


def ids(record: Record) -> tuple[Any, ...]:
    return tuple(record.get(key) for key in IDS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sampler", ["always_on", "always_off"])
def test_a_line_has_the_ids_of_its_request_sampled_or_not(
    said: Callable[..., list[Record]], way: str, sampler: str
) -> None:
    records = said([way], traces_sampler=sampler)

    (event,) = events(records).values()
    lines = [record for record in records if record["event"] == "said"]
    assert [ids(line) for line in lines] == [ids(event)] * 2
    # Bit 2 says that the id is random, which is so whether it is sampled or not.
    assert None not in ids(event)
    assert int(event["trace_flags"], 16) & 1 == (sampler == "always_on")
    assert event["who"] == f"{way}-0"


@pytest.mark.timeout(120)
def test_none_of_a_thousand_requests_at_once_is_on_the_line_of_another(
    said: Callable[..., list[Record]],
) -> None:
    ways = list(islice(cycle([*WAYS, "bare"]), 1000))

    records = said(ways)

    requests = events(records)
    lines = [record for record in records if record["event"] == "said"]
    wrong = [
        line
        for line in lines
        if ids(line) != (ids(requests[line["who"]]) if not line["who"].startswith("bare") else (None,) * 3)
    ]
    assert (len(lines), len(requests), wrong) == (2000, 1000, [])
    assert len({ids(event)[:2] for event in requests.values()}) == 1000
    annotated = {who: event.get("who", who) for who, event in requests.items()}
    assert annotated == {who: who for who in requests}


def test_what_knows_nothing_of_the_request_has_no_ids_and_never_old_ones(
    said: Callable[..., list[Record]],
) -> None:
    # The threads of the executor were busy for requests before.
    records = said(["in_executor"] * 20 + ["bare"] * 20)

    lines = [record for record in records if record["event"] == "said" and record["who"].startswith("bare")]
    assert {ids(line) for line in lines} == {(None, None, None)}
