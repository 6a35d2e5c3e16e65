"""The processes that a command is about: by their ops port, or by their sockets on this host."""

import argparse
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from observekit.cli.processes import is_below
from observekit.config import Config
from observekit.config.env import examine
from observekit.errors import ObservekitError, RemoteError
from observekit.health.asking import Reply, ask, ask_port
from observekit.health.place import Place
from observekit.health.places import all_places

DRAIN: Final = "/drain"
ANSWER_SECONDS: Final = 2.0
"""A process that takes longer is stuck: it does nothing but count for an answer."""
DONE: Final = 200


class Peer(NamedTuple):
    """One process: the socket or the port of it, and what it says of itself; nothing if it did not answer."""

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
    """The processes that were meant, and how to ask them.

    Attributes:
        peers: Who is meant, also those that did not answer when they were asked who they are.
        unsure: Who did not answer either, and may be meant as well as not; they are told nothing.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.config: Config = examine(os.environ).config
        self._options = options
        self.unsure: list[Path] = []
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

    def say(
        self, method: str, target: str, seconds: float, to: Iterable[Path | int] | None = None
    ) -> dict[Path | int, Reply]:
        """Ask all of them, or those at *to*; who says nothing is left out."""
        asked = [peer.at for peer in self.peers] if to is None else list(to)
        replies: dict[Path | int, Reply] = {}
        replies.update(
            ask([one for one in asked if isinstance(one, Path)], method, target, seconds)[0].items()
        )
        for one in asked:
            if isinstance(one, int):
                try:
                    reply = self._said_on(one, method, target, seconds)
                except OSError:
                    continue
                if reply is not None:
                    replies[one] = reply
        return replies

    def silent(self, replies: Container[Path | int]) -> int:
        """Return how many of those who are there or may be meant have no part in *replies*."""
        there = [peer.at for peer in self.peers if not isinstance(peer.at, Path) or peer.at.exists()]
        return len([one for one in there if one not in replies]) + len(self.unsure)

    def _port(self) -> int | None:
        if self._options.ops_port is not None:
            return int(self._options.ops_port)
        by_socket = self._options.service is not None or self._options.pid is not None
        return None if by_socket else self.config.ops_port

    def _ask_port(self, port: int) -> None:
        try:
            reply = self._said_on(port, "GET", DRAIN, ANSWER_SECONDS)
        except ConnectionRefusedError:
            return
        except OSError:
            reply = None
        if reply is not None and reply.status in {401, 403}:
            raise ObservekitError(
                f"port {port} lets nobody drain without its token. Set OBSERVEKIT_METRICS_TOKEN."
            )
        if reply is not None and not is_report(reply):
            raise RemoteError(
                f"port {port} answers {reply.status} where an ops port says how far its service is. Is it "
                "that of the application? Name the one of OBSERVEKIT_OPS_PORT, by --ops-port."
            )
        self.peers = [Peer(port, {} if reply is None else reply.said)]

    def _said_on(self, port: int, method: str, target: str, seconds: float) -> Reply | None:
        host = self.config.ops_host
        # An address of all interfaces is one to listen on, not one to go to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- nothing is bound here
        return ask_port((host, port), method, target, seconds, self.config.metrics_token)

    def _ask_sockets(self) -> None:
        for place in all_places(os.environ):
            self._places |= dict.fromkeys(place.sockets(), place)
        replies, silent = ask(self._places, "GET", DRAIN, ANSWER_SECONDS)
        reports = {path: reply.said for path, reply in replies.items() if is_report(reply)}
        silent += [path for path in replies if path not in reports]
        meant = [Peer(path, said) for path, said in reports.items() if self._is_meant(said)]
        names = sorted({str(peer.said.get("service")) for peer in meant})
        if len(names) > 1 and self._options.pid is None:
            raise ObservekitError(f"there are several services: {', '.join(names)}. Say which, by --service.")
        self._take(meant, silent)
        known = {peer.at for peer in self.peers}
        self._places = {path: place for path, place in self._places.items() if path in known}

    def _take(self, meant: list[Peer], silent: list[Path]) -> None:
        """Have *meant*, and of those who say nothing their siblings: they are at the same place."""
        pid = self._options.pid
        if pid is not None:
            self.peers = [*meant, *(Peer(one, {}) for one in silent if is_below(_pid_of(one), pid))]
            return
        places = {self._places[peer.at].path for peer in meant if isinstance(peer.at, Path)}
        siblings = [one for one in silent if self._places[one].path in places]
        self.peers = [*meant, *(Peer(one, {}) for one in siblings)]
        # Beside a service that was named, those elsewhere are most likely others.
        if self._options.service is None or not meant:
            self.unsure = [one for one in silent if one not in siblings]

    def _is_meant(self, said: Mapping[str, Any]) -> bool:
        if self._options.service is not None and said.get("service") != self._options.service:
            return False
        return self._options.pid is None or is_below(int(said.get("pid", 0)), self._options.pid)


def is_report(reply: Reply) -> bool:
    """Whether *reply* is what a process of observekit says of itself, and not the answer of somebody else."""
    return reply.status == DONE and isinstance(reply.said.get("state"), str)


def _pid_of(socket: Path) -> int:
    """Return whose socket that is, by its name; 0 where that says nothing."""
    pid = socket.name.partition("-")[0]
    return int(pid) if pid.isdecimal() else 0
