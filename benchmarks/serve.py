"""Serves one row with uvicorn, httptools and uvloop, as it would be in production."""

import socket
import sys

import uvicorn

from benchmarks.choice import Choice, build
from benchmarks.processes import endpoint
from benchmarks.rows import BY_NAME

# Source: OpenTelemetry SDK specification, batching processor: what users have.
_QUEUE_SIZE = 2048


def main() -> None:
    """Serve on the socket, the row and the sink that the arguments name."""
    row = BY_NAME[sys.argv[2]]
    app = build(row.variant, Choice(endpoint(sys.argv[3], row.name), row.ratio, _QUEUE_SIZE))
    # Each stack writes its own access line, if any; uvicorn's would be a second one.
    config = uvicorn.Config(app, http="httptools", loop="uvloop", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
