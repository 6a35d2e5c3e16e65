"""Kinds of values that name hosts, their ports and networks."""

import re
from ipaddress import ip_address, ip_network
from typing import Final

from observekit.config.kinds import OFF, Kind, are_words, parse_words


def _is_trust(value: object) -> bool:
    if not isinstance(value, tuple) or not are_words(value):
        return False
    return value in {("private",), ("always",), ("never",)} or all(_is_network(word) for word in value)


_HOST_NAME: Final = re.compile(r"\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*")


def _are_hosts(value: object) -> bool:
    if not isinstance(value, tuple) or not are_words(value):
        return False
    if value in {("always",), ("never",)}:
        return True
    named = all(_HOST_NAME.fullmatch(word) or _is_network(word) for word in value)
    return named and not {"always", "never"} & set(value)


def _are_proxies(value: object) -> bool:
    if not isinstance(value, tuple) or not all(isinstance(word, str) for word in value):
        return False
    return all(word == "unix" or _is_network(word) for word in value)


def _is_network(word: str) -> bool:
    try:
        ip_network(word)
    except ValueError:
        return False
    return True


def _is_port(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_PORT


_LAST_PORT: Final = 65535


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _parse_port(text: str) -> int | None:
    return None if text.strip().lower() in OFF else int(text)


TRUST: Final = Kind(
    parse_words,
    _is_trust,
    "must be private, always or never alone, or networks like '10.0.0.0/8,fd00::/8' (in code a tuple of "
    "texts)",
)
HOSTS: Final = Kind(
    parse_words,
    _are_hosts,
    "must be always or never alone, or any of internal, names like 'api.example.com', '.example.com' for all "
    "names below it, and networks (in code a tuple of texts)",
)
PROXIES: Final = Kind(
    parse_words,
    _are_proxies,
    "must be networks like '10.0.0.0/8,fd00::/8', or unix for a proxy behind a Unix socket (in code a tuple "
    "of texts)",
)
PORT: Final = Kind(
    _parse_port,
    _is_port,
    "must be a whole number from 0 to 65535, 0 for any free port ('off' in the environment, None in code, "
    "for none)",
)
ADDRESS: Final = Kind(
    str.strip,
    _is_address,
    "must be an IP address of this host, like '127.0.0.1', or '0.0.0.0' or '::' for all of them",
)
