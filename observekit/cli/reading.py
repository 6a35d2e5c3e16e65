"""Files that people hand to a command: JSON, or YAML where the extra is installed."""

import json
from pathlib import Path
from typing import Any

from observekit.errors import ConfigError, MissingExtraError


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is not UTF-8.") from error


def documents(path: Path) -> list[Any]:
    """Return the documents of a JSON or YAML file.

    Raises:
        ConfigError: If it is none.
        MissingExtraError: If it is YAML and PyYAML is not installed.
    """
    text = text_of(path)
    if path.suffix == ".json":
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path} is no JSON: {error}.") from error
        return found if isinstance(found, list) else [found]
    return _yaml(path, text)


def _yaml(path: Path, text: str) -> list[Any]:
    try:
        import yaml  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise MissingExtraError(
            f"{path} is YAML, which needs PyYAML. Install it with: pip install 'observekit[rules]', "
            "or write the file as JSON."
        ) from error
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
