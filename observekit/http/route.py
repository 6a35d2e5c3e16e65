"""The route template of a request, read from what the framework left in its scope."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from observekit.asgi import Scope
from observekit.semconv import UNMATCHED_ROUTE

# Source: nobody has more endpoints than this; whoever makes them anew for each request gets _unmatched.
_ENDPOINTS: Final = 4096
_MOUNT_DEPTH: Final = 16


class Routes:
    """Names the route of a request without matching a second time.

    Starlette from 1.7 and FastAPI leave the matched route in the scope. Where only the endpoint is left
    (Starlette before 1.7, a plain Starlette route in FastAPI, and everything below a mount whose path has
    parameters), the templates that lead to it are looked up once in the route table and kept.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # By identity, because an endpoint need not be hashable; kept beside it, so that the id stays its own.
        self._known: dict[int, tuple[object, tuple[str, ...]]] = {}

    def of(self, scope: Scope) -> str:
        """Return the template, ``_unmatched`` where no route took the request; call after the application."""
        route, endpoint = scope.get("route"), scope.get("endpoint")
        if endpoint is None:
            path = getattr(route, "path", None)
            return path if isinstance(path, str) and path else UNMATCHED_ROUTE
        if route is None or not _is_of(route, endpoint):
            return self._looked_up(scope, endpoint)
        context = _effective_context(scope, route)
        if context is not None:
            return _grown(scope) + str(context.path)
        if getattr(route, "app", None) is endpoint and not hasattr(route, "methods"):
            return self._mounted(scope, route, endpoint)
        if "app_root_path" in scope and _mount_has_parameters(scope, route):
            return self._looked_up(scope, endpoint)
        return (_grown(scope) + str(route.path)) or "/"

    def _mounted(self, scope: Scope, route: Any, endpoint: object) -> str:
        """Name a request that went no further than a mount: by the mount if it is opaque."""
        if getattr(route, "routes", None):
            return UNMATCHED_ROUTE
        if "{" in str(getattr(route, "path", "")) or scope.get("path_params"):
            return self._looked_up(scope, endpoint)
        return _grown(scope) or "/"

    def _looked_up(self, scope: Scope, endpoint: object) -> str:
        known = self._known.get(id(endpoint))
        if known is None and len(self._known) < _ENDPOINTS:
            table = getattr(scope.get("router") or scope.get("app"), "routes", ())
            known = (endpoint, tuple(dict.fromkeys(_templates(table, endpoint))))
            self._known[id(endpoint)] = known
        templates = known[1] if known is not None else ()
        if len(templates) <= 1:
            return templates[0] if templates else UNMATCHED_ROUTE
        path = _path_below_server(scope)
        return next((template for template in templates if _fits(template, path)), templates[0])


def _is_of(route: Any, endpoint: object) -> bool:
    """Whether *route* led to *endpoint*; a router that sets none leaves that of the mount above it."""
    if getattr(route, "endpoint", endpoint) is not endpoint:
        return False
    return hasattr(route, "endpoint") or getattr(route, "app", endpoint) is endpoint


def _effective_context(scope: Scope, route: object) -> Any | None:
    """Return what FastAPI from 0.137 knows of an included route: its own path lacks the prefixes there."""
    kept = scope.get("fastapi")
    context = kept.get("effective_route_context") if isinstance(kept, dict) else None
    return context if context is not None and getattr(context, "original_route", None) is route else None


def _grown(scope: Scope) -> str:
    """Return what mounts have added to ``root_path``."""
    outer = scope.get("app_root_path")
    if outer is None:
        return ""
    root = scope.get("root_path", "")
    return str(root[len(outer) :]) if root.startswith(outer) else ""


def _mount_has_parameters(scope: Scope, route: Any) -> bool:
    """Whether the request has parameters that are not of *route*: ``root_path`` has them then."""
    parameters = scope.get("path_params")
    if not parameters:
        return False
    own = getattr(route, "param_convertors", {})
    return any(name not in own for name in parameters)


def _path_below_server(scope: Scope) -> str:
    path, outer = scope["path"], scope.get("app_root_path", scope.get("root_path", ""))
    return str(path[len(outer) :]) if outer and path.startswith(outer) else str(path)


def _templates(table: Iterable[Any], endpoint: object, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the template of each way through a route *table* to *endpoint*."""
    if depth > _MOUNT_DEPTH:
        return
    for route in table:
        path = prefix + str(getattr(route, "path", ""))
        inner = _inner_routes(route)
        if getattr(route, "endpoint", None) is endpoint:
            yield path or "/"
        elif getattr(route, "app", None) is endpoint and not hasattr(route, "endpoint"):
            # The mount itself: opaque if it has no routes; otherwise none of them took the request.
            yield UNMATCHED_ROUTE if inner else path or "/"
        elif inner:
            yield from _templates(inner, endpoint, path, depth + 1)


def _inner_routes(route: Any) -> list[Any]:
    candidates = getattr(route, "effective_candidates", None)  # An included router of FastAPI from 0.137.
    if callable(candidates):
        return [getattr(one, "starlette_route", None) or one for one in candidates()]
    return list(getattr(route, "routes", None) or ())


def _fits(template: str, path: str) -> bool:
    """Whether *path* can come from *template*, segment by segment."""
    wanted, given = template.split("/"), path.split("/")
    for place, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith(":path}"):
            return True
        if place >= len(given) or not (segment.startswith("{") or segment == given[place]):
            return False
    return len(wanted) == len(given)
