"""Over gRPC, too, certificates are verified and read again, and children send their own spans."""

import asyncio
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

from observekit import Kit
from tests.traces.certificates import Files
from tests.waiting import until

if TYPE_CHECKING:
    from tests.traces.conftest import Ledger

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
from tests.traces.grpc_service import Service  # noqa: E402 -- where there is gRPC

pytestmark = pytest.mark.once

Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]
FORKS = 4
FORKING = """
import os, sys
from opentelemetry import trace
from prometheus_client import CollectorRegistry
import asyncio, observekit

kit = observekit.setup(
    registry=CollectorRegistry(), logs="off", traces_endpoint=sys.argv[1], traces_protocol="grpc",
    shutdown_budget_seconds=20.0,
)
tracer = trace.get_tracer("test")
tracer.start_span("parent before").end()
asyncio.run(kit.flush())
children = []
for number in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        tracer.start_span(f"child {number}").end()
        kit.shutdown(20)
        os._exit(0)
    children.append(child)
codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
tracer.start_span("parent after").end()
kit.shutdown(20)
sys.exit(0 if codes == {0} else 3)
"""


@contextmanager
def serving(credentials: Any = None) -> Iterator[Service]:
    service = Service(credentials)
    try:
        yield service
    finally:
        service.stop()


def credentials(server: Path, clients: Path | None = None) -> Any:
    pair = (server.with_suffix(".key").read_bytes(), server.read_bytes())
    trusted = None if clients is None else clients.read_bytes()
    return grpc.ssl_server_credentials([pair], trusted, clients is not None)


def begun(begin: Begin, service: Service, **settings: Any) -> Kit:
    kit = begin(
        traces_endpoint=f"https://127.0.0.1:{service.port}",
        traces_protocol="grpc",
        **{"span_delay_seconds": 60.0, "shutdown_budget_seconds": 20.0, **settings},
    )
    trace.get_tracer("theirs").start_span("theirs").end()
    return kit


def test_a_certificate_of_the_authority_and_ones_own_are_shown(
    begin: Begin, ledger: LedgerOf, files: Files
) -> None:
    with serving(credentials(files.server, files.authority)) as service:
        kit = begun(
            begin,
            service,
            traces_certificate=str(files.authority),
            traces_client_certificate=str(files.client),
            traces_client_key=str(files.client.with_suffix(".key")),
        )
        told = ledger(kit)
        asyncio.run(kit.flush())

    assert (told.exported(), service.names) == (1, ["theirs"])


@pytest.mark.parametrize("what", ["another authority", "another host"])
def test_who_cannot_prove_to_be_the_collector_gets_nothing(
    begin: Begin, ledger: LedgerOf, files: Files, what: str
) -> None:
    trusted = files.other if what == "another authority" else files.authority
    server = files.elsewhere if what == "another host" else files.server

    with serving(credentials(server)) as service:
        kit = begun(begin, service, traces_certificate=str(trusted), shutdown_budget_seconds=0.7)
        told = ledger(kit)
        asyncio.run(kit.flush())

    assert (told.exported(), told.dropped("shutdown"), service.names) == (0, 1, [])


def test_a_certificate_that_was_renewed_is_used_without_a_restart(
    begin: Begin, ledger: LedgerOf, files: Files, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    shutil.copy(files.other, trusted)
    with serving(credentials(files.server)) as service:
        kit = begun(begin, service, traces_certificate=str(trusted), span_delay_seconds=0.01)
        told = ledger(kit)
        until(lambda: told.failed_requests() > 0)
        shutil.copy(files.authority, trusted)
        until(lambda: told.exported() == 1)

    assert service.names == ["theirs"]


def test_headers_that_grpc_refuses_are_said_and_keys_in_them_are_not(
    begin: Begin, ledger: LedgerOf, capfd: pytest.CaptureFixture[str]
) -> None:
    """A name that HTTP takes, and gRPC does not."""
    with serving() as service:
        kit = begin(
            traces_endpoint=f"http://127.0.0.1:{service.port}",
            traces_protocol="grpc",
            traces_headers={"api!key": "hunter2"},
            span_delay_seconds=60.0,
            shutdown_budget_seconds=0.5,
            logs="own",
            log_format="json",
        )
        told = ledger(kit)
        trace.get_tracer("theirs").start_span("theirs").end()
        kit.shutdown()

    assert (told.ended(), told.exported(), told.rejected(), service.names) == (1, 0, 1, [])
    said = capfd.readouterr().out
    assert "Invalid metadata" in said
    assert "hunter2" not in said


def test_a_file_that_is_missing_is_named_and_there_is_no_way_around_it(
    begin: Begin, ledger: LedgerOf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.pem")
    with serving() as service:
        kit = begun(
            begin,
            service,
            traces_certificate=missing,
            shutdown_budget_seconds=0.5,
            logs="own",
            log_format="json",
        )
        told = ledger(kit)
        kit.shutdown()

    assert (told.dropped("shutdown"), told.exported(), service.names) == (1, 0, [])
    assert missing in capfd.readouterr().out


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_children_send_their_own_spans_once_and_as_themselves() -> None:
    with serving() as service:
        done = subprocess.run(
            [
                *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING),
                *(f"http://127.0.0.1:{service.port}", str(FORKS)),
            ],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            cwd=Path(__file__).parents[2],
        )

    assert done.returncode == 0, done.stderr
    assert Counter(service.names) == Counter(
        ["parent before", "parent after", *(f"child {number}" for number in range(FORKS))]
    )
    assert len(service.instances) == FORKS + 1
