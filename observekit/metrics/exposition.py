"""The metrics page: which format the scraper wants, and every family that can be rendered."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Final, NamedTuple

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

Encoder = Callable[["_One"], bytes]

# Source: no Accept header in use is longer than 300 bytes; what is longer was made to hurt.
_ACCEPT_LENGTH: Final = 1024
_EOF: Final = b"# EOF\n"


class Page(NamedTuple):
    """A rendered metrics page."""

    body: bytes
    content_type: str


class Exposition:
    """Renders a registry; what fails costs its own families only.

    *failed* is told the name of each collector that failed, and *took* the seconds each page took.
    """

    __slots__ = ("_failed", "_registry", "_took")

    def __init__(
        self,
        registry: CollectorRegistry,
        failed: Callable[[str, Exception], None],
        took: Callable[[float], None],
    ) -> None:
        self._registry = registry
        self._failed = failed
        self._took = took

    def render(self, accept: str) -> Page:
        """Return the page in the format that the *accept* header asks for, Prometheus text if in doubt."""
        started = perf_counter()
        encode, content_type = negotiate(accept)
        families = [self._encoded(encode, family) for family in self._families()]
        if content_type.startswith("application/openmetrics-text"):
            families = [family.removesuffix(_EOF) for family in families]
            families.append(_EOF)
        self._took(perf_counter() - started)
        return Page(b"".join(families), content_type)

    def _families(self) -> Iterator[Metric]:
        for collector in _collectors(self._registry):
            try:
                yield from list(collector.collect())
            except Exception as error:  # noqa: BLE001 -- a user's collector may raise anything
                self._failed(type(collector).__name__, error)

    def _encoded(self, encode: Encoder, family: Metric) -> bytes:
        try:
            return encode(_One(family))
        except Exception as error:  # noqa: BLE001 -- a label with a lone surrogate, a value that is no number
            self._failed(family.name, error)
            return b""


class _One(CollectorRegistry):
    """A registry of one family, because the encoders take registries."""

    def __init__(self, family: Metric) -> None:
        super().__init__()
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


def negotiate(accept: str) -> tuple[Encoder, str]:
    """Return the encoder and content type for an *accept* header, however broken that is."""
    try:
        return choose_encoder(accept[:_ACCEPT_LENGTH])
    except Exception:  # noqa: BLE001 -- a version like "1.x" raises in the client's own parser
        return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def _collectors(registry: CollectorRegistry) -> list[CollectorRegistry]:
    # There is no public way to ask a registry for its collectors, and one that raises takes
    # the whole of collect() down. Where the attribute is gone, the registry is asked as a whole.
    known = getattr(registry, "_collector_to_names", None)
    return [registry] if known is None else list(known)
