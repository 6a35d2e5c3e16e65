"""The route table of an application, walked once for each way through it that is asked for."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from observekit.semconv import UNMATCHED_ROUTE

_MOUNT_DEPTH: Final = 16
_PARAMETER: Final = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::[a-zA-Z_][a-zA-Z0-9_]*)?}")


class Template(NamedTuple):
    """A way through a route table: its label, and the paths that can go it."""

    text: str
    pattern: str

    def fits(self, path: str) -> bool:
        """Whether *path* can have gone this way."""
        return re.fullmatch(self.pattern, path) is not None


class _Step(NamedTuple):
    """A route on the way: as its table has it, itself, the way to it, and the routes below it."""

    candidate: Any
    route: Any
    way: Template
    inner: list[Any]


def templates(router: object, target: object) -> list[Template]:
    """Return each way through the table of *router* to *target*, in the order they would be tried.

    Args:
        router: What has the outermost routes.
        target: A route, an endpoint, a mounted application, or what FastAPI knows of an included route.
    """
    found = (
        _labelled(route, way, opaque=not inner)
        for candidate, route, way, inner in _steps(_inner_routes(router), Template("", ""), 0)
        if _is_target(candidate, route, target)
    )
    return list(dict.fromkeys(found))


def paths(router: object) -> set[str]:
    """Return the paths, as templates, that *router* has a route or a mount for."""
    return {step.way.text for step in _steps(_inner_routes(router), Template("", ""), 0)}


def _steps(table: list[Any], outer: Template, depth: int) -> Iterator[_Step]:
    if depth > _MOUNT_DEPTH:
        return
    for candidate in table:
        route = getattr(candidate, "starlette_route", None) or candidate
        way = Template(outer.text + str(getattr(route, "path", "")), outer.pattern + _pattern(route))
        inner = [] if hasattr(route, "endpoint") else _inner_routes(route)
        yield _Step(candidate, route, way, inner)
        yield from _steps(inner, way, depth + 1)


def _is_target(candidate: Any, route: Any, target: object) -> bool:
    if target is candidate or target is route or target is getattr(candidate, "original_route", candidate):
        return True
    return getattr(route, "endpoint" if hasattr(route, "endpoint") else "app", candidate) is target


def _labelled(route: Any, way: Template, *, opaque: bool) -> Template:
    if hasattr(route, "endpoint"):
        return Template(way.text or "/", way.pattern)
    # The mount itself: what is below it is its own affair, unless it has routes and none took the request.
    return Template((way.text or "/") if opaque else UNMATCHED_ROUTE, f"{way.pattern}(?:/.*)?")


def _pattern(route: Any) -> str:
    path = str(getattr(route, "path", ""))
    convertors = getattr(route, "param_convertors", {})
    parts = _PARAMETER.split(path)  # Texts, and between them the names of parameters.
    texts = map(re.escape, parts[::2])
    values = (f"(?:{getattr(convertors.get(name), 'regex', '[^/]+')})" for name in parts[1::2])
    return "".join(chain.from_iterable(zip(texts, chain(values, [""]), strict=True)))


def _inner_routes(holder: Any) -> list[Any]:
    """Return the routes of a router, an application or a mount, also of what middleware is wrapped around."""
    for _ in range(_MOUNT_DEPTH):
        candidates = getattr(holder, "effective_candidates", None)  # FastAPI from 0.137: an included router.
        if callable(candidates):
            return list(candidates())
        routes = getattr(holder, "routes", None)
        if routes:
            return list(routes)
        holder = getattr(holder, "app", None)
    return []
