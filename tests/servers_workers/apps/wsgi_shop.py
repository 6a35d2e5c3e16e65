"""What gunicorn's WSGI workers serve: metrics of its own, and observekit's page on a port beside it."""

import os
from collections.abc import Iterable
from pathlib import Path
from threading import Event
from typing import Any

from observekit import setup
from tests.servers_workers.apps.own_metrics import OwnMetrics, register_collector


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    for one in OWN:
        if path == "/act":
            one.act()
        elif path == "/level":
            one.level(os.getpid())
        elif path == "/hold":
            one.held.inc()
    if path == "/hold":
        Event().wait()
    start_response("200 OK", [("content-type", "application/json")])
    return [str(os.getpid()).encode()]


EARLY = OwnMetrics("early")
register_collector()
kit = setup(ops_port=0)
OWN = (EARLY, OwnMetrics("late"))
# The tests read each worker's page; a user gives the port a number, and one worker, or the parent, has it.
Path(os.environ["SHOP_PORTS"], str(os.getpid())).write_text(str(kit.ops_port))
