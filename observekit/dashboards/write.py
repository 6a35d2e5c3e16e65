"""Writes everything that is generated below one directory, the same bytes each time."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from observekit.dashboards.boards import boards
from observekit.dashboards.bundles import alertmanager_yaml, config_maps, mixin
from observekit.dashboards.migration import migration_yaml
from observekit.dashboards.provisioning import dashboards_yaml, data_sources_yaml, prometheus_yaml
from observekit.errors import ConfigError

# Source: the scrape interval that Grafana assumes where a data source names none.
DEFAULT_SCRAPE_INTERVAL: Final = "15s"

_DURATION: Final = re.compile(r"[1-9][0-9]*[smh]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What boards depend on beside the catalogue.

    ``scrape_interval`` is a duration like ``15s``, and must be the one that Prometheus scrapes with.

    Raises:
        ConfigError: If it is no such duration.
    """

    scrape_interval: str = DEFAULT_SCRAPE_INTERVAL

    def __post_init__(self) -> None:
        if not _DURATION.fullmatch(self.scrape_interval):
            raise ConfigError(
                f"scrape_interval is {self.scrape_interval!r}, "
                "but must be a whole number of seconds, minutes or hours, like 15s."
            )


def generated(options: Options) -> dict[str, str]:
    """Return the text of every file by its path below the output directory."""
    interval = options.scrape_interval
    texts = {board.uid: _as_json(board.json(interval)) for board in boards()}
    return {
        **{f"dashboards/{uid}.json": text for uid, text in texts.items()},
        "provisioning/dashboards.yaml": dashboards_yaml(),
        "provisioning/datasources.yaml": data_sources_yaml(interval),
        "prometheus/prometheus.yml": prometheus_yaml(interval),
        "prometheus/migration-rules.yml": migration_yaml(interval),
        "prometheus/alertmanager.yml": alertmanager_yaml(),
        "kubernetes/observekit-dashboards.yaml": config_maps(texts),
        "mixin/mixin.libsonnet": mixin(tuple(texts)),
    }


def write(directory: Path, options: Options) -> Iterator[Path]:
    """Write every file below *directory*, which is made if needed, and yield each path once it is written.

    Raises:
        ConfigError: If a file cannot be written there.
    """
    return write_files(directory, generated(options))


def write_files(directory: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """Write *files*, texts by their paths below *directory*, and yield each path once it is written.

    Raises:
        ConfigError: If a file cannot be written there.
    """
    for name, text in files.items():
        path = directory / name
        try:
            _replace(path, text)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written: {error.strerror}. Name a directory that can be written."
            ) from error
        yield path


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    # Grafana watches the directory and must never read half a board.
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)
