"""Serves the application with 10,000 series of a user's on its metrics page."""

import socket
import sys

import uvicorn
from prometheus_client import CollectorRegistry, Counter

from benchmarks.app import application
from observekit import instrument

_SERIES = 10_000


def main() -> None:
    """Serve on the socket that the argument names."""
    registry = CollectorRegistry()
    counter = Counter("things_total", "Things by number.", ["number"], registry=registry)
    for number in range(_SERIES):
        counter.labels(str(number)).inc()
    app = application()
    instrument(app, service_name="bench", registry=registry, traces=False)
    config = uvicorn.Config(app, http="httptools", loop="uvloop", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
