"""The metrics page: every family that can be rendered, in the format that the scraper asked for."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Final, NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

from observekit.metrics.negotiation import Encoder, negotiate

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
        owners: dict[str, object] = {}
        for collector in collectors(self._registry):
            try:
                for family in list(collector.collect()):
                    self._claim(owners, collector, family)
                    yield family
            except Exception as error:  # noqa: BLE001 -- a user's collector may raise anything
                self._failed(type(collector).__name__, error)

    @staticmethod
    def _claim(owners: dict[str, object], collector: object, family: Metric) -> None:
        """Note whose the names of *family* are.

        Raises:
            ValueError: If one is another collector's: a page with the same series twice is no page to many.
        """
        names = {family.name, *(sample.name for sample in family.samples)}
        if taken := [name for name in names if owners.setdefault(name, collector) is not collector]:
            raise ValueError(f"{taken[0]} is on the page already, from another collector")

    def _encoded(self, encode: Encoder, family: Metric) -> bytes:
        try:
            return _encoded_or_mended(encode, family)
        except Exception as error:  # noqa: BLE001 -- such as a value that is no number
            error.args = error.args[:1]  # The client library appends the whole family, all samples of it.
            self._failed(family.name, error)
            return b""


class _One:
    """One family in the shape of a registry, because the encoders take registries."""

    __slots__ = ("_family",)

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> tuple[Metric]:
        return (self._family,)


def _encoded_or_mended(encode: Encoder, family: Metric) -> bytes:
    try:
        return encode(_One(family))
    except Exception:  # noqa: BLE001 -- a lone surrogate, or a label that is no text: nothing a page must miss
        return encode(_One(_mended(family)))


def _mended(family: Metric) -> Metric:
    """Return *family* with all text encodable, and without exemplars; labels that differed still differ."""
    mended = Metric(family.name, _encodable(family.documentation), family.type, family.unit)
    mended.samples = [
        sample._replace(
            labels={name: _encodable(value) for name, value in sample.labels.items()}, exemplar=None
        )
        for sample in family.samples
    ]
    return mended


def _encodable(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def collectors(registry: CollectorRegistry) -> list[Any]:
    """Return the collectors of *registry*, or itself where they cannot be had."""
    # There is no public way to ask a registry for its collectors, and one that raises takes
    # the whole of collect() down. Where the attribute is gone, the registry is asked as a whole.
    known = getattr(registry, "_collector_to_names", None)
    return [registry] if known is None else list(known)
