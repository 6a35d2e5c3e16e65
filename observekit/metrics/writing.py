"""One family of any collector as bytes, whatever is in it."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from observekit.metrics.foreign import family_blocks
from observekit.metrics.negotiation import Wish

# Source: Prometheus data model; other names are written in quotes or escaped, as the scraper asked.
_LEGACY_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_EOF: Final = b"# EOF\n"
# Lines that are made between two looks at the clock: less than half a turn.
_TOGETHER: Final = 64

T = TypeVar("T")


class _One:
    """One family in the shape of a registry, because the client library's encoders take registries."""

    __slots__ = ("_family",)

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> tuple[Metric]:
        return (self._family,)


def written(family: Metric, wish: Wish) -> Iterator[bytes]:
    """Yield *family* as the scraper wishes; with mended text where it cannot be written as it is.

    Nothing is yielded often while it is written, and nothing else before all of it is: no family is there
    by half.
    """
    pieces: list[bytes] = []
    try:
        for piece in _as_it_is(family, wish):
            pieces.append(piece)
            yield b""
    except Exception:  # noqa: BLE001 -- a lone surrogate, or a label that is no text: nothing a page must miss
        pieces.clear()
        for piece in _as_it_is(_mended(family), wish):
            pieces.append(piece)
            yield b""
    yield from pieces


def encoded(block: str) -> bytes:
    """Return *block* as UTF-8; a lone surrogate is written as the escape it has in Python."""
    try:
        return block.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: rf"\\u{ord(found[0]):04x}", block).encode()


def _as_it_is(family: Metric, wish: Wish) -> Iterator[bytes]:
    for samples in _some(family.samples) if wish.plain else ():
        if not _have_legacy_names(family, samples):
            break
        yield b""
    else:
        if wish.plain:
            for blocks in _some(family_blocks(family, wish.form)):
                yield "".join(blocks).encode()
            return
    # The client library's, in one go: nearly nobody has such names.
    yield wish.encode(_One(family)).removesuffix(_EOF)


def _some(many: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(many)
    while some := list(islice(rest, _TOGETHER)):
        yield some


def _have_legacy_names(family: Metric, samples: list[Sample]) -> bool:
    names = {family.name, *(sample.name for sample in samples)}
    for labels in {tuple(sample.labels) for sample in samples}:
        names.update(labels)
    return all(map(_LEGACY_NAME.fullmatch, names))


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
