"""A metrics page as the tests read it."""

import re
from typing import Final, NamedTuple

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? (\S+)(?: # (\{.*\}) .*)?")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_CUMULATIVE: Final = {"counter", "histogram", "summary"}

Labels = frozenset[tuple[str, str]]


class Sample(NamedTuple):
    """One line of a page."""

    name: str
    labels: Labels
    value: float
    exemplar: str


class Page:
    """The samples of a page in either text format, with or without exemplars."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.types: dict[str, str] = {}
        self.samples: list[Sample] = []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"{name} is twice on the page"
                self.types[name] = kind
            elif not line.startswith("#"):
                self.samples.append(_sample(line))

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the series that have these labels, others aside; 0 where there are none."""
        return sum(sample.value for sample in self.find(name, **labels))

    def find(self, name: str, **labels: str) -> list[Sample]:
        """Return the series that have these labels, others aside."""
        wanted = labels.items()
        return [sample for sample in self.samples if sample.name == name and wanted <= sample.labels]

    def cumulative(self) -> dict[tuple[str, Labels], float]:
        """Return what must never fall: counters, histograms and summaries that are no worker's own."""
        return {
            (sample.name, sample.labels): sample.value
            for sample in self.samples
            if self.kind(sample.name) in _CUMULATIVE
            and not sample.name.endswith("_created")
            and "worker" not in dict(sample.labels)
        }

    def kind(self, sample: str) -> str:
        """Return the type of the family that a sample of this name belongs to."""
        stem = re.sub(r"_(total|bucket|count|sum|created|info)$", "", sample)
        return self.types.get(sample) or self.types.get(stem) or "unknown"


def _sample(line: str) -> Sample:
    found = _SAMPLE.fullmatch(line)
    assert found is not None, f"{line!r} is no sample"
    name, labels, value, exemplar = found.groups()
    return Sample(name, frozenset(_LABEL.findall(labels or "")), float(value), exemplar or "")
