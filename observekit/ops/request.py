"""The head of an HTTP/1 request as an ASGI scope, read strictly: what is not a plain question is refused."""

import re
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote

from observekit.asgi import Response, Scope

_NO_STORE: Final = (b"cache-control", b"no-store")
BAD_REQUEST: Final = Response(400, b"bad request\n", headers=(_NO_STORE,))
TOO_LONG: Final = Response(431, b"too long\n", headers=(_NO_STORE,))
MISDIRECTED: Final = Response(
    421, b"this port is asked by an IP address or as localhost\n", headers=(_NO_STORE,)
)

# Source: RFC 9112, 3 and 5: a request line of three words, then fields without white space before the colon.
_FIRST: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[\x21-\x7e]*) HTTP/(1\.[01])")
# The white space around a value is no part of the pattern, which could divide up a row of it in many ways.
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)")

Address = tuple[Any, ...]


def scope_of(head: bytes, client: Address, server: Address) -> Scope | None:
    """Return the scope of the request that begins with *head*, or ``None`` if it is none."""
    first, *lines = head.split(b"\r\n")
    request = _FIRST.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if request is None:
        return None
    headers = [(field[1].lower(), field[2].strip(b" \t")) for field in fields if field is not None]
    hosts = sum(name == b"host" for name, _ in headers)
    # Source: RFC 9112, 3.2: one Host, which only HTTP/1.0 may leave out.
    if len(headers) != len(fields) or hosts > 1 or (hosts == 0 and request[3] == b"1.1"):
        return None
    path, _, query = request[2].partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": request[3].decode(),
        "method": request[1].decode(),
        "scheme": "http",
        "path": unquote(path.decode()),
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": headers,
        "client": client[:2],
        "server": server[:2],
    }


def names_this_host(scope: Scope) -> bool:
    """Whether the Host of a request can be typed for a port on loopback.

    A page in a browser on this host may point a name of its own to loopback, and would then be allowed to
    read the answer; it cannot do so with an address, or with ``localhost``.
    """
    host = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1").lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
