"""The families of all workers as text, from one snapshot."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from observekit.metrics.lines import Lines
from observekit.metrics.text import Format, heading
from observekit.metrics.workers.shapes import Labels, Shape, SharedExemplar, Values
from observekit.metrics.workers.snapshot import Snapshot
from observekit.semconv import OTEL_SCOPE_NAME, WORKER

CREATED: Final = "created"
"""Kind of the shape that holds when prometheus-client's metrics began, beside the family itself."""

# Lines of series that have gone are worth less than to find out which they are, as long as they are few.
_SPARE: Final = 1000

Fitting = Callable[[], list[Shape]]
Refused = Callable[[Shape], None]


class Series(NamedTuple):
    """One series of all workers together; ``shape`` says what its numbers are."""

    shape: Shape
    labels: Labels
    values: Values
    created: float | None
    exemplars: list[SharedExemplar | None]


class Writable(NamedTuple):
    """A family that can be written as text, or made one of prometheus-client's."""

    name: str
    blocks: Callable[[Format], Iterator[str]]
    family: Callable[[], Metric]


class Writers:
    """Keeps the text of lines from page to page."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[Shape, Lines] = {}

    def of(self, shape: Shape) -> Lines:
        """Return what writes series of *shape*."""
        found = self._lines.get(shape)
        if found is None:
            names = label_names(shape)
            found = Lines(shape.name, shape.kind, shape.help, shape.unit, names, shape.bounds)
            self._lines[shape] = found
        return found


class SharedPage:
    """The families of a snapshot by name.

    *refused* is told each family that cannot stand beside another of its name: two releases disagree.
    """

    def __init__(self, snapshot: Snapshot, writers: Writers, refused: Refused) -> None:
        self._snapshot = snapshot
        self._writers = writers
        self._refused = refused
        self._shapes: dict[str, list[Shape]] = {}
        self._created: dict[str, list[Shape]] = {}
        for shape in snapshot.families():
            into = self._created if shape.kind == CREATED else self._shapes
            # Whoever lives goes before those who have gone, who may be of a release before.
            into.setdefault(shape.name, []).insert(0, shape)

    @property
    def names(self) -> Iterable[str]:
        """The families that any worker has."""
        return self._shapes.keys()

    def writable(self, name: str, mine: Shape | None = None, *, further_labels: bool = False) -> Writable:
        """Return a family to be written.

        *mine* is what it is in this process, with *further_labels* where series may have others.
        """
        fitting = partial(self._fitting, name, mine, further_labels=further_labels)
        return Writable(name, partial(self._blocks, name, fitting), partial(self._family, name, fitting))

    def _blocks(self, name: str, fitting: Fitting, form: Format) -> Iterator[str]:
        shapes = fitting()
        first = shapes[0]
        late: list[str] = []
        yield self._writers.of(first).introduction(form)
        for shape in shapes:
            lines, of_created = self._writers.of(shape), self._writers.of(_created_gauge(shape))
            count = 0
            for series in self._series(shape, exemplars=form == "openmetrics"):
                count += 1
                yield _written(lines, series)
                if series.created is not None:
                    line = of_created.single(series.labels, series.created)
                    if form == "text":
                        late.append(line)
                    else:
                        yield line
            _see_to(lines, count)
            _see_to(of_created, count)
        if late:
            yield heading(f"{name}_created", "gauge", first.help, "", form)
            yield from late

    def _family(self, name: str, fitting: Fitting) -> Metric:
        shapes = fitting()
        metric = Metric(name, shapes[0].help, shapes[0].kind, shapes[0].unit)
        for shape in shapes:
            for series in self._series(shape, exemplars=True):
                metric.samples.extend(_samples(series))
        return metric

    def _fitting(self, name: str, mine: Shape | None, *, further_labels: bool) -> list[Shape]:
        """Return the shapes of *name* that can be one family; this process's own goes first."""
        found = list(self._shapes.get(name, ()))
        if mine is not None:
            found.sort(key=lambda shape: shape.identity != mine.identity)
            found = found if found and found[0].identity == mine.identity else [mine, *found]
        fitting: dict[frozenset[str], Shape] = {}
        for shape in found:
            alike = shape.kind == found[0].kind and (
                further_labels or not self._is_outdated(shape, found[0], mine)
            )
            # Series of equal labels would be there twice, with numbers that mean something else.
            if not alike or fitting.setdefault(frozenset(label_names(shape)), shape) is not shape:
                self._refused(shape)
        return list(fitting.values())

    def _is_outdated(self, shape: Shape, first: Shape, mine: Shape | None) -> bool:
        """Tell whether *shape* has the labels of a release before.

        But OpenTelemetry's may have other attributes with each observation, and an info other facts.
        """
        if shape.labels == first.labels or shape.kind == "info" or OTEL_SCOPE_NAME in shape.labels:
            return False
        return mine is not None or not self._snapshot.is_living(shape)

    def _series(self, shape: Shape, *, exemplars: bool) -> Iterator[Series]:
        created = self._beginnings(shape)
        for labels, values in self._snapshot.merged(shape):
            traces = self._snapshot.exemplars(shape, labels) if exemplars else []
            yield Series(shape, labels, values, created.get(labels), traces)

    def _beginnings(self, shape: Shape) -> dict[Labels, float]:
        found: dict[Labels, float] = {}
        for created in self._created.get(shape.name, ()):
            if created.labels == shape.labels:
                for labels, (began,) in self._snapshot.merged(created):
                    found[labels] = min(began, found.get(labels, began))
        return found


def _see_to(lines: Lines, series: int) -> None:
    """Forget *lines* if most are of series that have gone; there are so many *series* by now."""
    if len(lines) > 2 * series + _SPARE:
        lines.forget()


def label_names(shape: Shape) -> Labels:
    """Return the labels of a series of *shape*, with that of the worker where it has one."""
    if shape.merge != "worker":
        return shape.labels
    return (*shape.labels, f"{WORKER}_slot" if WORKER in shape.labels else WORKER)


def _created_gauge(shape: Shape) -> Shape:
    return shape._replace(name=f"{shape.name}_created", kind="gauge", bounds=())


def _written(lines: Lines, series: Series) -> str:
    shape, values, traces = series.shape, series.values, series.exemplars
    if shape.kind == "histogram":
        text = lines.histogram(series.labels, values[:-1], values[-1], traces if any(traces) else None)
        # prometheus-client leaves out a sum that may fall.
        return text if shape.bounds[:1] >= (0.0,) else text[: text.rindex("\n", 0, -1) + 1]
    if shape.kind == "summary":
        return lines.summary(series.labels, values[0], values[1])
    return lines.single(series.labels, values[0], traces[0] if traces else None)


def _samples(series: Series) -> Iterator[Sample]:
    shape, values = series.shape, series.values
    pairs = dict(zip(label_names(shape), series.labels, strict=True))
    traces = [None if one is None else Exemplar(*one) for one in series.exemplars]
    if shape.kind == "histogram":
        running = 0.0
        for bound, count, trace in zip([*shape.bounds, float("inf")], values, traces, strict=False):
            running += count
            yield Sample(
                f"{shape.name}_bucket", {**pairs, "le": floatToGoString(bound)}, running, None, trace
            )
        yield Sample(f"{shape.name}_count", pairs, running)
        if shape.bounds[:1] >= (0.0,):
            yield Sample(f"{shape.name}_sum", pairs, values[-1])
    elif shape.kind == "summary":
        yield Sample(f"{shape.name}_count", pairs, values[0])
        yield Sample(f"{shape.name}_sum", pairs, values[1])
    else:
        ending = {"counter": "_total", "info": "_info"}.get(shape.kind, "")
        yield Sample(shape.name + ending, pairs, values[0], None, traces[0] if ending == "_total" else None)
    if series.created is not None:
        yield Sample(f"{shape.name}_created", pairs, series.created)
