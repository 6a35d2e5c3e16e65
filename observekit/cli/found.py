"""The processes that a command is about: by their ops port, or by their sockets on this host."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from observekit.cli.processes import is_below
from observekit.config import Config
from observekit.config.env import examine
from observekit.errors import ObservekitError
from observekit.health.asking import Reply, ask, ask_port
from observekit.health.place import Place, all_places

DRAIN: Final = "/drain"
ANSWER_SECONDS: Final = 2.0
"""A process that takes longer is stuck: it does nothing but count for an answer."""


class Peer(NamedTuple):
    """One process: the socket or the port of it, and what it says of itself."""

    at: Path | int
    said: Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which processes are meant."""
    parser.add_argument(
        "--ops-port",
        type=int,
        metavar="PORT",
        help="ask the process with this ops port; OBSERVEKIT_OPS_PORT unless given, 0 to look for sockets",
    )
    parser.add_argument("--service", metavar="NAME", help="the service of this name, by its sockets")
    parser.add_argument(
        "--pid", type=int, metavar="PID", help="this process and those that it has started, by their sockets"
    )


class Found:
    """The processes that were meant, and how to ask them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.config: Config = examine(os.environ).config
        self._options = options
        self.silent: list[Path] = []
        self.peers: list[Peer] = []
        self._places: dict[Path, Place] = {}
        port = self._port()
        if port:
            self._ask_port(port)
        else:
            self._ask_sockets()

    @property
    def places(self) -> list[Place]:
        """The directories of the processes that were found."""
        return list({place.path: place for place in self._places.values()}.values())

    def say(self, method: str, target: str, seconds: float) -> dict[Path | int, Reply]:
        """Ask all of them; who says nothing is left out."""
        sockets = [peer.at for peer in self.peers if isinstance(peer.at, Path)]
        replies: dict[Path | int, Reply] = {}
        replies.update(ask(sockets, method, target, seconds)[0].items())
        for peer in self.peers:
            if isinstance(peer.at, int):
                reply = self._said_on(peer.at, method, target, seconds)
                if reply is not None:
                    replies[peer.at] = reply
        return replies

    def gone(self) -> list[Peer]:
        """Return those who have ended since."""
        return [peer for peer in self.peers if isinstance(peer.at, Path) and not peer.at.exists()]

    def _port(self) -> int | None:
        if self._options.ops_port is not None:
            return int(self._options.ops_port)
        by_socket = self._options.service is not None or self._options.pid is not None
        return None if by_socket else self.config.ops_port

    def _ask_port(self, port: int) -> None:
        reply = self._said_on(port, "GET", DRAIN, ANSWER_SECONDS)
        if reply is None:
            return
        if reply.status in {401, 403}:
            raise ObservekitError(
                f"port {port} lets nobody drain without its token. Set OBSERVEKIT_METRICS_TOKEN."
            )
        self.peers = [Peer(port, reply.said)]

    def _said_on(self, port: int, method: str, target: str, seconds: float) -> Reply | None:
        host = self.config.ops_host
        # An address of all interfaces is one to listen on, not one to go to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- nothing is bound here
        try:
            return ask_port((host, port), method, target, seconds, self.config.metrics_token)
        except OSError:
            return None

    def _ask_sockets(self) -> None:
        for place in all_places(os.environ):
            self._places |= dict.fromkeys(place.sockets(), place)
        replies, self.silent = ask(self._places, "GET", DRAIN, ANSWER_SECONDS)
        meant = {path: reply.said for path, reply in replies.items() if self._is_meant(reply.said)}
        self.peers = [Peer(path, said) for path, said in meant.items()]
        names = sorted({str(peer.said.get("service")) for peer in self.peers})
        if len(names) > 1 and self._options.pid is None:
            raise ObservekitError(f"there are several services: {', '.join(names)}. Say which, by --service.")
        self._places = {path: place for path, place in self._places.items() if path in meant}

    def _is_meant(self, said: Mapping[str, Any]) -> bool:
        if self._options.service is not None and said.get("service") != self._options.service:
            return False
        return self._options.pid is None or is_below(int(said.get("pid", 0)), self._options.pid)
