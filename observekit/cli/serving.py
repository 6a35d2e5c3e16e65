"""Which of the processes of a service serve."""

from collections.abc import Iterable
from typing import TypeVar

from observekit.cli.found import Peer

P = TypeVar("P", bound=Peer)


def serving_of(peers: Iterable[P]) -> list[P]:
    """Leave out the parent that has loaded the application only for its children to fork."""
    known = list(peers)
    parents = {peer.said.get("parent") for peer in known}
    return [
        peer
        for peer in known
        if not (peer.said.get("state") == "starting" and peer.said.get("pid") in parents)
    ]
