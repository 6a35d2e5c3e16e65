"""Writes block YAML of plain data, the same bytes each time; JSON strings are YAML too."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

# Words that YAML reads as something else than text, in one of its versions.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./:-]*")
_NOT_TEXT: Final = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null)")
_STEP: Final = "  "


def yaml(value: Mapping[str, object]) -> str:
    """Return *value*, made of mappings, sequences, texts and numbers, as one document."""
    return "\n".join(_mapping(value, "")) + "\n"


def _mapping(value: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, inner in value.items():
        yield from _entry(f"{indent}{_scalar(key)}:", inner, indent)


def _entry(head: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, indent + _STEP)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield head
        for one in value:
            yield from _item(one, indent + _STEP)
    elif isinstance(value, str) and "\n" in value:
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{indent}{_STEP}{line}".rstrip() for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: object, indent: str) -> Iterator[str]:
    if not isinstance(value, Mapping) or not value:
        yield f"{indent}- {_scalar(value)}"
        return
    first, *others = _mapping(value, indent + _STEP)
    yield f"{indent}- {first.lstrip()}"
    yield from others


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        # A colon at the end would make it a key.
        return json.dumps(value) if value.endswith(":") else value
    if isinstance(value, str) and '"' in value and value.isprintable():
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return json.dumps(value, ensure_ascii=False)
