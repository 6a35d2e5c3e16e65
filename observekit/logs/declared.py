"""Objects whose class declares their fields: opened field by field, unless somebody shows them his own way.

Who writes a ``__repr__`` of his own decides what of an object may be seen, and often hides something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, NamedTuple


@dataclass
class _Sample:
    """Has the ``__repr__`` that dataclasses make."""


class _NamedSample(NamedTuple):
    """Has the ``__repr__`` that named tuples get."""


# All generated ones have the same code. That of dataclasses is reprlib's from Python 3.13 on, which others
# may use as well; what is within it has no file, because it is generated.
_DATACLASS: Final = _Sample.__repr__.__code__
_NAMED_TUPLE: Final = _NamedSample.__repr__.__code__
_GENERATED: Final = "<string>"
# Source: attr/_make.py, _generate_unique_filename().
_ATTRS: Final = "<attrs generated"
_PYDANTIC: Final = ("__repr__", "__repr_args__", "__repr_str__")


def declared(kind: Any, value: Any) -> Mapping[str, object] | None:
    """Return the fields of *value*, which is of *kind*, but for those that its class keeps out of its repr.

    ``None`` if it declares none, or has a ``__repr__`` that somebody has written for it.
    """
    if isinstance(value, tuple):
        names = getattr(kind, "_fields", None)
        return dict(zip(names, value, strict=False)) if names and _code(kind) is _NAMED_TUPLE else None
    if is_dataclass(kind):
        if not _is_of_dataclasses(kind):
            return None
        return {one.name: getattr(value, one.name, None) for one in fields(kind) if one.repr}
    if hasattr(kind, "__attrs_attrs__"):
        return _of_attrs(kind, value)
    return _of_pydantic(kind, value)


def _of_attrs(kind: Any, value: Any) -> dict[str, object] | None:
    code = _code(kind)
    if code is None or not code.co_filename.startswith(_ATTRS):
        return None
    shown = {one.name: one.repr for one in kind.__attrs_attrs__ if one.repr}
    given = {name: getattr(value, name, None) for name in shown}
    # A field may have a function that shows it.
    return {name: given[name] if show is True else show(given[name]) for name, show in shown.items()}


def _of_pydantic(kind: Any, value: Any) -> dict[str, object] | None:
    declared_fields = getattr(kind, "__pydantic_fields__", None)
    if type(declared_fields) is not dict or not all(map(_is_of_pydantic, [kind] * 3, _PYDANTIC)):
        return None
    given = {
        name: value.__dict__[name]
        for name, one in declared_fields.items()
        if one.repr and name in value.__dict__
    }
    return given | (getattr(value, "__pydantic_extra__", None) or {})


def _is_of_dataclasses(kind: Any) -> bool:
    if _code(kind) is not _DATACLASS:
        return False
    inner = getattr(kind.__repr__, "__wrapped__", None)
    return inner is None or inner.__code__.co_filename == _GENERATED


def _is_of_pydantic(kind: Any, name: str) -> bool:
    return str(getattr(getattr(kind, name, None), "__module__", "")).partition(".")[0] == "pydantic"


def _code(kind: Any) -> Any:
    return getattr(kind.__repr__, "__code__", None)
