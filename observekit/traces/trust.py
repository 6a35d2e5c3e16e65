"""Whose trace context is continued."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_PEERS: Final = 1024
# Source: an IPv6 address has 45 characters at most, and an interface's name 15.
_ADDRESS_LENGTH: Final = 64


class Trust:
    """Judges peers by their address, which is the one thing a caller cannot choose.

    Args:
        words: ``private``, ``always``, ``never``, or networks.
    """

    __slots__ = ("_judged", "_mode", "_networks")

    def __init__(self, words: tuple[str, ...]) -> None:
        self._mode = words[0] if words[0] in {"private", "always", "never"} else "networks"
        self._networks = [ip_network(word) for word in words] if self._mode == "networks" else []
        # Peers repeat; an address is read once in 1024.
        self._judged = lru_cache(maxsize=_PEERS)(self._trusts)

    def trusts(self, peer: str | None, same_host: bool = False) -> bool:  # noqa: FBT001, FBT002 -- of one pair
        """Whether context from *peer* is continued.

        Args:
            peer: Address of the caller; ``None`` where the server does not know one.
            same_host: Whether it came through a Unix socket, whose ends share a host.
        """
        if self._mode in {"always", "never"}:
            return self._mode == "always"
        if not peer:
            return same_host
        return len(peer) <= _ADDRESS_LENGTH and self._judged(peer)

    def _trusts(self, peer: str) -> bool:
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False  # A name comes from a forwarded header or an in-process client, not from a socket.
        return self._trusts_address(_unmapped(address))

    def _trusts_address(self, address: IPv4Address | IPv6Address) -> bool:
        if self._mode == "private":
            return address.is_loopback or address.is_link_local or _is_private(address)
        return any(address in network for network in self._networks)


# Source: RFC 1918, RFC 4193, and RFC 6598, which clusters use for pods; ipaddress.is_private would also
# say yes to documentation and benchmarking networks.
_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _PRIVATE)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
