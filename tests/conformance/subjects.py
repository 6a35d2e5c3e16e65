"""What a middleware can be asked for to be a subject, and how its words become those of the suite."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from prometheus_client.samples import Sample

from .client import App, Counted
from .sockets import Connected

OTHER: Final = "_OTHER"
OVERFLOW: Final = "_overflow"
UNMATCHED: Final = "_unmatched"


@dataclass(frozen=True)
class Told:
    """A SERVER span: its name, its route and the status it says."""

    name: str
    route: str | None
    status: int | None


T = TypeVar("T")


class Aborted(NamedTuple):
    """A request that did not come to its end, and why."""

    route: str | None
    reason: str


class Subject(Protocol):
    """A middleware as its users have it; one for each test.

    What a subject does not claim to tell skips the test that asks for it.
    """

    @property
    def packages(self) -> tuple[str, ...]:
        """Return whose clock is replaced where a test rules the time."""

    def set_up(self, *, series_limit: int | None = None, spans: bool = True) -> None:
        """Begin anew, with a limit to the series of a family, or without spans; call before wrap()."""

    def wrap(self, app: Any) -> App:
        """Observe an application, as the documentation says for its kind."""

    def requests(self) -> list[Counted]:
        """Return each request that was counted, sorted; its own words for no route become ``None``."""

    def seconds(self) -> float:
        """Return how long all requests took together."""

    def in_flight(self) -> float:
        """Return how many requests are being answered."""

    def series(self) -> Mapping[str, int]:
        """Return how many series the requests have made, for each family about them."""

    def expected(self) -> list[Counted]:
        """Return the kinds of requests that have a series at zero, before the first of them."""

    def aborts(self) -> list[Aborted]:
        """Return the requests that are counted as not having come to their end."""

    def first_byte_seconds(self) -> float:
        """Return how long clients waited for the start of responses, all together."""

    def background_seconds(self) -> float:
        """Return how long applications worked on after the last byte."""

    def body_bytes(self) -> tuple[float, float]:
        """Return the bytes of all bodies: of requests, and of responses."""

    def connections(self) -> list[Connected]:
        """Return each WebSocket connection that was counted, by its end."""

    def open_connections(self) -> float:
        """Return how many WebSocket connections are open."""

    def connection_seconds(self) -> float:
        """Return how long all WebSocket connections took together."""

    def messages(self) -> tuple[float, float]:
        """Return how many WebSocket messages were received, and sent."""

    def spans(self) -> list[Told]:
        """Return the SERVER spans."""

    def named_spans(self) -> list[Told]:
        """Return the SERVER spans, where they are claimed to name routes."""

    def close(self) -> None:
        """Leave nothing behind."""


def counted(samples: Iterable[Sample], labels: tuple[str, str, str], *, unmatched: str) -> list[Counted]:
    """Return each request behind *samples*, whose *labels* say method, route and status."""
    found = []
    for sample in samples:
        method, route, status = (sample.labels[name] for name in labels)
        one = Counted(method, route_of(route, unmatched), _number(status))
        found += [one] * int(sample.value)
    return in_order(found)


def route_of(label: str, unmatched: str) -> str | None:
    """Return the route of a label, ``None`` where it says that there was none."""
    return None if label == unmatched else label


def _number(status: str) -> int | str | None:
    """Return a status as the number it is; what is none, such as an overflow, stays as it is."""
    return int(status) if status.isdecimal() else status or None


def in_order(found: Iterable[T]) -> list[T]:
    """Return *found* in one order, whatever it has ``None`` for."""
    return sorted(found, key=repr)


def by_family(samples: Iterable[Sample]) -> dict[str, int]:
    """Return how many series each family has; buckets, count and sum of a histogram are one."""
    series = {
        (sample.name.removesuffix("_count"), tuple(sorted(sample.labels.items())))
        for sample in samples
        if not sample.name.endswith(("_bucket", "_created", "_sum"))
    }
    return Counter(family for family, _ in series)


def server_spans(spans: Iterable[ReadableSpan]) -> list[Told]:
    """Return what SERVER spans say."""
    found = []
    for span in spans:
        if span.kind is SpanKind.SERVER:
            told: Any = span.attributes
            status = told.get("http.response.status_code", told.get("http.status_code"))
            found.append(Told(span.name, told.get("http.route"), status))
    return found
