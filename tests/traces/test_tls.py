"""Spans go to who can prove that it is the collector, and to nobody else."""

import asyncio
import json
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

from observekit import Kit
from tests.traces.certificates import Files
from tests.traces.sink import sink_of

if TYPE_CHECKING:
    from tests.traces.conftest import Ledger

pytestmark = pytest.mark.once

Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]


def secured(server: Path, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server, server.with_suffix(".key"))
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def sent(begin: Begin, ledger: LedgerOf, endpoint: str, *, budget: float = 20.0, **settings: Any) -> "Ledger":
    kit = begin(traces_endpoint=endpoint, span_delay_seconds=60.0, shutdown_budget_seconds=budget, **settings)
    told = ledger(kit)
    trace.get_tracer("theirs").start_span("theirs").end()
    asyncio.run(kit.flush())
    return told


def test_a_collector_with_a_certificate_of_the_authority_gets_spans(
    begin: Begin, ledger: LedgerOf, files: Files
) -> None:
    with sink_of(secured=secured(files.server)) as sink:
        told = sent(begin, ledger, sink.endpoint, traces_certificate=str(files.authority))

    assert (told.exported(), sink.spans()) == (1, ["theirs"])


@pytest.mark.parametrize("what", ["another authority", "another host", "the authorities of the system"])
def test_who_cannot_prove_to_be_the_collector_gets_nothing(
    begin: Begin, ledger: LedgerOf, files: Files, what: str
) -> None:
    trusted = files.other if what == "another authority" else files.authority
    settings = {} if what == "the authorities of the system" else {"traces_certificate": str(trusted)}
    server = files.elsewhere if what == "another host" else files.server

    with sink_of(secured=secured(server)) as sink:
        told = sent(begin, ledger, sink.endpoint, budget=0.7, **settings)

    assert (told.exported(), told.dropped("shutdown"), sink.spans()) == (0, 1, [])


@pytest.mark.parametrize(("shown", "arrived"), [(False, 0), (True, 1)])
def test_a_collector_that_wants_to_see_a_certificate_is_shown_it(
    begin: Begin, ledger: LedgerOf, files: Files, shown: bool, arrived: int
) -> None:
    own = {
        "traces_client_certificate": str(files.client),
        "traces_client_key": str(files.client.with_suffix(".key")),
    }

    with sink_of(secured=secured(files.server, files.authority)) as sink:
        told = sent(
            begin,
            ledger,
            sink.endpoint,
            traces_certificate=str(files.authority),
            budget=20.0 if shown else 0.7,
            **(own if shown else {}),
        )

    assert (told.exported(), len(sink.spans())) == (arrived, arrived)


def test_a_file_that_is_missing_is_named_and_there_is_no_way_around_it(
    begin: Begin, ledger: LedgerOf, files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.pem")
    with sink_of(secured=secured(files.server)) as sink:
        told = sent(
            begin,
            ledger,
            sink.endpoint,
            budget=0.7,
            traces_certificate=missing,
            logs="own",
            log_format="json",
        )
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    (problem,) = [line["problem"] for line in lines if line["event"] == "observekit.export_waits"]
    assert missing in problem
    assert (told.exported(), sink.spans()) == (0, [])


def test_a_certificate_that_was_renewed_is_used_without_a_restart(
    begin: Begin, ledger: LedgerOf, files: Files, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    shutil.copy(files.other, trusted)
    with sink_of(secured=secured(files.server)) as sink:
        kit = begin(
            traces_endpoint=sink.endpoint,
            traces_certificate=str(trusted),
            span_delay_seconds=0.01,
            shutdown_budget_seconds=20.0,
        )
        told = ledger(kit)
        trace.get_tracer("theirs").start_span("theirs").end()
        shutil.copy(files.authority, trusted)
        arrived = sink.until(lambda: bool(sink.batches))
        kit.shutdown()

    assert (arrived, told.exported()) == (True, 1)
