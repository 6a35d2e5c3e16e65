"""Which format of the metrics page a scraper wants."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from prometheus_client.exposition import choose_encoder, generate_latest

from observekit.metrics.text import Format

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


class _Part(NamedTuple):
    weight: float
    media: str
    version: str
    escaping: str


class Wish(NamedTuple):
    """What a scraper gets.

    ``encode`` is the client library's encoder. ``plain`` says that it writes names of the usual characters
    as they are, so that our own renderer writes the same.
    """

    encode: Encoder
    content_type: str
    form: Format
    plain: bool


def negotiate(accept: str) -> Wish:
    """Return what an *accept* header wishes, however broken it is."""
    wishes = [_wish(part) for part in accept[:_ACCEPT_LENGTH].split(",")]
    best = max(wishes, key=lambda wish: wish.weight)  # Of equal ones, the one that stands first.
    if best.weight <= 0.0:
        return Wish(generate_latest, TEXT, "text", plain=True)
    parameters = [best.media]
    if best.version:
        parameters.append(f"version={best.version}")
    if best.escaping:
        parameters.append(f"escaping={best.escaping}")
    encode, content_type = choose_encoder(";".join(parameters))
    form: Format = "openmetrics" if content_type.startswith("application/openmetrics-text") else "text"
    return Wish(encode, content_type, form, plain=best.escaping not in {"dots", "values"})


def _wish(part: str) -> _Part:
    """Read one part of an Accept header; one that cannot be fulfilled or understood has no weight."""
    media, *parameters = part.split(";")
    media = media.strip().lower()
    given = {
        name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in parameters)
    }
    version = given.get("version", "")
    escaping = given.get("escaping", "")
    if version not in _VERSIONS.get(media, ()):
        return _Part(0.0, "", "", "")
    return _Part(_weight(given.get("q", "1")), media, version, escaping if escaping in _ESCAPINGS else "")


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
