"""Which format of the metrics page a scraper wants."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from prometheus_client.exposition import choose_encoder, generate_latest

Encoder = Callable[[Any], bytes]

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Content type of Prometheus text, which everybody reads."""

# Source: no Accept header in use is longer than 300 bytes; what is longer was made to hurt.
_ACCEPT_LENGTH: Final = 1024
# Nothing else of the header reaches the client library: it takes any version for one that it can write,
# and repeats it in the content type.
_VERSIONS: Final = {
    "application/openmetrics-text": frozenset({"", "1.0.0"}),
    "text/plain": frozenset({"", "0.0.4", "1.0.0"}),
    "text/*": frozenset({""}),
    "*/*": frozenset({""}),
}
_ESCAPINGS: Final = frozenset({"allow-utf-8", "dots", "underscores", "values"})


class _Wish(NamedTuple):
    weight: float
    media: str
    version: str
    escaping: str


def negotiate(accept: str) -> tuple[Encoder, str]:
    """Return the encoder and content type for an *accept* header, however broken that is."""
    wishes = [_wish(part) for part in accept[:_ACCEPT_LENGTH].split(",")]
    best = max(wishes, key=lambda wish: wish.weight)  # Of equal ones, the one that stands first.
    if best.weight <= 0.0:
        return generate_latest, TEXT
    parameters = [best.media]
    if best.version:
        parameters.append(f"version={best.version}")
    if best.escaping:
        parameters.append(f"escaping={best.escaping}")
    encode, content_type = choose_encoder(";".join(parameters))
    return encode, content_type


def _wish(part: str) -> _Wish:
    """Read one part of an Accept header; one that cannot be fulfilled or understood has no weight."""
    media, *parameters = part.split(";")
    media = media.strip().lower()
    given = {
        name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in parameters)
    }
    version = given.get("version", "")
    escaping = given.get("escaping", "")
    if version not in _VERSIONS.get(media, ()):
        return _Wish(0.0, "", "", "")
    return _Wish(_weight(given.get("q", "1")), media, version, escaping if escaping in _ESCAPINGS else "")


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
