"""The canonical event: one line for each request, from the same facts as its samples and its span."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from observekit.asgi import Scope
from observekit.catalogue.events import HTTP_REQUEST, LEVELS
from observekit.http.exchange import Exchange
from observekit.http.signals import address
from observekit.logs.events import Events
from observekit.logs.prepared import PreparedEvent, ids_in_line
from observekit.logs.told import remember
from observekit.redaction import is_plain
from observekit.semconv import (
    CLIENT_ADDRESS,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    KNOWN_METHODS,
    URL_PATH,
    label,
)

_METHOD: Final = label(HTTP_REQUEST_METHOD)
_ROUTE: Final = label(HTTP_ROUTE)
_STATUS: Final = label(HTTP_RESPONSE_STATUS_CODE)
_PATH: Final = label(URL_PATH)
_CLIENT: Final = label(CLIENT_ADDRESS)
_EVENT: Final = HTTP_REQUEST.name
_LOGGER: Final = "observekit.http"
_OWN_FIELDS: Final = frozenset({*HTTP_REQUEST.fields, "reason"})
# More kinds of requests than a service has; those past them are encoded each time.
_KINDS: Final = 4096
# No character of these begins anything that redaction looks for, or is escaped in JSON.
_PLAIN: Final = re.compile(r"[0-9A-Za-z_.:-]+")
_LONGEST_HOST: Final = 64
_PLAIN_PATH: Final = re.compile(r"[0-9A-Za-z_./~%+,;!$*()-]{1,1024}")

# How the fields that differ stand in a line. Microseconds are what the clock is good for; of a response that
# did not start, "%.0snull" takes the time to its first byte and shows none.
_FURTHER: Final = (
    f',"{_PATH}":"%%s","duration_seconds":%%.6f,"time_to_first_byte_seconds":%s,"response_bytes":%%s'
    f',"{_CLIENT}":%%s'
)


class RequestLog:
    """Writes the canonical event of requests; what is the same for a kind of request is encoded once."""

    __slots__ = ("_pipeline", "_prepared")

    def __init__(self, pipeline: Events) -> None:
        self._pipeline = pipeline
        self._prepared: dict[tuple[object, ...], PreparedEvent | None] = {}

    def write(self, scope: Scope, exchange: Exchange, route: str, ids: Mapping[str, str]) -> None:
        """Write the event of a closed exchange, if its level is taken in."""
        if not self._pipeline.wants(LEVELS[exchange.outcome], _LOGGER):
            return
        path, client = exchange.path, address(scope.get("client"))
        host = _host(client) if client is None or len(client) <= _LONGEST_HOST else None
        method = scope["method"]
        # Nothing in these could be a secret, or needs an escape in JSON.
        plain = host is not None and type(path) is str and _PLAIN_PATH.fullmatch(path) and is_plain(path)
        event = self._event(method, exchange, route) if plain and exchange.error is None else None
        if event is None:
            log_request(self._pipeline, scope, exchange, route, ids)
            return
        started, sent = exchange.started, exchange.response_bytes(method)
        values = (
            path,
            (exchange.ended or started) - started,
            (exchange.first_byte or started) - started,
            "null" if sent is None else sent,
            host,
        )
        more = self._pipeline.further(_beside_ours(exchange)) if exchange.fields else ""
        event.write(ids_in_line(ids) if ids else "", values, more)

    def _event(self, method: str, exchange: Exchange, route: str) -> PreparedEvent | None:
        outcome, reason, unstarted = exchange.outcome, exchange.reason, exchange.first_byte is None
        key = (method, route, exchange.status, outcome, reason, unstarted)
        if key in self._prepared:
            return self._prepared[key]
        if method not in KNOWN_METHODS or len(self._prepared) >= _KINDS:
            return None
        constants = {_METHOD: method, _ROUTE: route, _STATUS: exchange.status, "outcome": outcome}
        if reason is not None:
            constants["reason"] = reason
        further = _FURTHER % ("%.0snull" if unstarted else "%.6f")
        event = self._pipeline.prepare(LEVELS[outcome], _EVENT, _LOGGER, constants, further)
        self._prepared[key] = event
        return event


@lru_cache(maxsize=1024)
def _host(client: str | None) -> str | None:
    """Return the address of a client as it stands in a line; ``None`` where it has to be encoded."""
    if client is None:
        return "null"
    return f'"{client}"' if _PLAIN.fullmatch(client) else None


def log_request(
    pipeline: Events, scope: Scope, exchange: Exchange, route: str, ids: Mapping[str, str]
) -> None:
    """Write the canonical event of a closed exchange."""
    outcome = exchange.outcome
    fields: dict[str, Any] = {
        _METHOD: scope["method"],
        _ROUTE: route,
        _PATH: exchange.path,
        _STATUS: exchange.status,
        "outcome": outcome,
        "duration_seconds": _seconds(exchange, exchange.ended),
        "time_to_first_byte_seconds": _seconds(exchange, exchange.first_byte),
        "response_bytes": exchange.response_bytes(scope["method"]),
        _CLIENT: address(scope.get("client")),
    }
    reason = exchange.reason
    if reason is not None:
        fields["reason"] = reason
    error = exchange.error if isinstance(exchange.error, Exception) else None
    fields |= _beside_ours(exchange)
    pipeline.emit(LEVELS[outcome], _EVENT, fields, logger=_LOGGER, ids=ids, error=error)
    if error is not None:
        remember(error)


def _beside_ours(exchange: Exchange) -> dict[str, Any]:
    """Return what was annotated; a name that is one of the event's own gets another ending."""
    # A copy in one step: a thread that outlives the request may still be annotating.
    annotated = exchange.fields.copy().items()
    return {f"{name}_" if name in _OWN_FIELDS else name: value for name, value in annotated}


def _seconds(exchange: Exchange, reading: float | None) -> float | None:
    # Microseconds are what the clock is good for; more digits only cost bytes.
    return None if reading is None else round(reading - exchange.started, 6)
