"""Whose trace context is continued."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_PEERS: Final = 1024
# Source: an IPv6 address has 45 characters at most, and an interface's name 15.
_ADDRESS_LENGTH: Final = 64
# A hundred hops, of which there are never more than a handful.
_FORWARDED_LENGTH: Final = 4096

UNIX: Final = "unix"
"""The word for a proxy behind a Unix socket."""


class Trust:
    """Judges peers by their address, which is the one thing a caller cannot choose.

    Args:
        words: ``private``, ``always``, ``never``, or networks.
        proxies: Networks of proxies, or ``unix`` for one behind a Unix socket. Of a request that comes from
            one of them, the address it was sent from is the last in ``X-Forwarded-For`` that is no proxy's.
    """

    __slots__ = ("_judged", "_mode", "_networks", "_proxies", "_proxy_on_socket")

    def __init__(self, words: tuple[str, ...], proxies: tuple[str, ...] = ()) -> None:
        self._proxies = [ip_network(word) for word in proxies if word != UNIX]
        self._proxy_on_socket = UNIX in proxies
        self._mode = words[0] if words[0] in {"private", "always", "never"} else "networks"
        self._networks = [ip_network(word) for word in words] if self._mode == "networks" else []
        # Peers repeat; an address is read once in 1024.
        self._judged = lru_cache(maxsize=_PEERS)(self._trusts)

    def trusts(
        self,
        peer: str | None,
        same_host: bool = False,  # noqa: FBT001, FBT002 -- of one pair
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> bool:
        """Whether context from *peer* is continued.

        Args:
            peer: Address of the caller; ``None`` where the server does not know one.
            same_host: Whether it came through a Unix socket, whose ends share a host.
            headers: Those of the request, of which only a configured proxy's are believed.
        """
        if self._mode in {"always", "never"}:
            return self._mode == "always"
        if self._proxies or self._proxy_on_socket:
            peer, same_host = self._behind_proxies(peer, same_host, headers)
        if not peer:
            return same_host
        return len(peer) <= _ADDRESS_LENGTH and self._judged(peer)

    def _behind_proxies(
        self,
        peer: str | None,
        same_host: bool,  # noqa: FBT001 -- of one pair
        headers: Iterable[tuple[bytes, bytes]],
    ) -> tuple[str | None, bool]:
        """Return who sent a request that came through proxies; the peer itself where it is none of them."""
        if not (self._is_proxy(peer) if peer else same_host and self._proxy_on_socket):
            return peer, same_host
        values = [value for name, value in headers if name == b"x-forwarded-for"]
        if not values:
            return peer, same_host  # It speaks for itself, as with a probe.
        text = b",".join(values)
        if len(text) > _FORWARDED_LENGTH:
            return None, False
        hops = [_without_port(hop.strip()) for hop in text.decode("latin-1").split(",")]
        strangers = (hop for hop in reversed(hops) if not self._is_proxy(hop))
        return next(strangers, hops[0]), False

    def _is_proxy(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._proxies)

    def _trusts(self, peer: str) -> bool:
        address = _address(peer)
        # A name comes from a forwarded header or an in-process client, not from a socket.
        return address is not None and self._trusts_address(address)

    def _trusts_address(self, address: IPv4Address | IPv6Address) -> bool:
        if self._mode == "private":
            return is_near(address)
        return any(address in network for network in self._networks)


# Source: RFC 1918, RFC 4193, and RFC 6598, which clusters use for pods; ipaddress.is_private would also
# say yes to documentation and benchmarking networks.
_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def is_near(address: IPv4Address | IPv6Address) -> bool:
    """Whether *address* is of this host, of its link, or private."""
    address = _unmapped(address)
    return address.is_loopback or address.is_link_local or _is_private(address)


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        return _unmapped(ip_address(peer.partition("%")[0])) if len(peer) <= _ADDRESS_LENGTH else None
    except ValueError:
        return None


def _without_port(hop: str) -> str:
    """Return a hop without what some proxies add to it: ``1.2.3.4:5678``, ``[::1]:80``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _PRIVATE)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
