"""Workers without HTTP: what they have still to send is sent before a SIGTERM ends them where they stand."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.drain.service import running, supervised, until

pytestmark = pytest.mark.once

WORKER = """
import signal, sys
from observekit import operation, setup
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Whatever measures this has a handler.
kit = setup(service_name="mails")
kit.lifecycle.serving()
with operation("mail"):
    pass
print("sent", flush=True)
if "listens" in sys.argv:
    kit.lifecycle.draining.wait()
else:
    signal.pause()
"""


class Collector(HTTPServer):
    """Knows what has been sent to it."""

    def __init__(self) -> None:
        self.came: list[str] = []
        super().__init__(("127.0.0.1", 0), Taker)


class Taker(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Collector)
        self.server.came.append(self.path)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.mark.parametrize("kind", ["deaf", "listens"])
def test_a_worker_loses_no_span_whether_it_listens_or_is_ended(tmp_path: Path, kind: str) -> None:
    collector = Collector()
    thread = Thread(target=collector.serve_forever)
    thread.start()
    to = f"http://127.0.0.1:{collector.server_port}"
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": to, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    delay = "3000" if kind == "listens" else "0"
    command = supervised([sys.executable, "-c", WORKER, kind], "--drain-delay", delay)
    try:
        with running(command, tmp_path, 0, **environ) as service:
            until(lambda: "sent" in service.said() or service.ended(), service.said())
            before = list(collector.came)
            service.send(signal.SIGTERM)
            ended = service.wait()
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()

    assert (before, ended, collector.came) == ([], 0, ["/v1/traces"]), service.said()
