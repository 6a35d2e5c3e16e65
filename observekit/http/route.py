"""The route template of a request, read from what the framework left in its scope."""

from typing import Any, Final

from observekit.asgi import Scope
from observekit.http.table import Template, templates
from observekit.semconv import UNMATCHED_ROUTE

# Source: nobody has more endpoints than this; whoever makes them anew for each request is told less exactly.
_TARGETS: Final = 4096


class Routes:
    """Names the route of a request without matching a second time, unless several ways lead to it.

    Starlette from 1.7 and FastAPI leave the matched route in the scope. Where that does not tell the whole
    template (Starlette before 1.7, a plain Starlette route in FastAPI, and everything below a mount, whose
    own path may have parameters), the ways that lead there are looked up once in the route table and kept.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # By identity, because an endpoint need not be hashable; kept beside it, so that the id stays its own.
        self._known: dict[tuple[int, int], tuple[object, object, list[Template]]] = {}

    def of(self, scope: Scope, arrived: str | None = None) -> str:
        """Return the template, ``_unmatched`` where no route took the request; call after the application.

        *arrived* is the path before the application, of which a mount of Litestar's cuts off what it took.
        """
        route, endpoint = scope.get("route"), scope.get("endpoint")
        # The usual case without the calls that others need: a route of Starlette's that is below no mount.
        plain = endpoint is not None and "app_root_path" not in scope and "fastapi" not in scope
        if plain and getattr(route, "endpoint", None) is endpoint:
            return str(scope["route"].path) or "/"
        name = self._matched(scope)
        if name == UNMATCHED_ROUTE and "fastapi" in scope:
            return _frontend(scope) or name
        if name == UNMATCHED_ROUTE and "route_handler" in scope:
            return _litestar_mount(scope, arrived) or name
        return name

    def _matched(self, scope: Scope) -> str:
        route, endpoint = scope.get("route"), scope.get("endpoint")
        if endpoint is None:
            # Litestar has what it matched in a key of its own: a template, or nothing for a mount of its own.
            path = getattr(route, "path", None) or scope.get("path_template")
            return path if isinstance(path, str) and path else UNMATCHED_ROUTE
        if route is None or not _led_to(route, endpoint):
            return self._looked_up(scope, endpoint, UNMATCHED_ROUTE)
        context = _effective_context(scope, route)
        if context is not None and context.starlette_route is None:
            own = str(context.path)
            return own if "app_root_path" not in scope else self._looked_up(scope, context, own)
        if hasattr(route, "endpoint") and "app_root_path" not in scope:
            return str(route.path) or "/"
        return self._looked_up(scope, route, str(getattr(route, "path", "")) or UNMATCHED_ROUTE)

    def _looked_up(self, scope: Scope, target: object, otherwise: str) -> str:
        """Return the template of the way to *target*, a route or an endpoint."""
        router = scope.get("router") or scope.get("app")
        key = (id(router), id(target))
        known = self._known.get(key)
        if known is None:
            found = list(templates(router, target))
            known = (router, target, found)
            if len(self._known) < _TARGETS:
                self._known[key] = known
        ways = known[2]
        if len(ways) > 1:
            # Which mount took the request is nowhere but in the path: one of these is found again.
            path = _path_below_server(scope)
            return next((way.text for way in ways if way.fits(path)), ways[0].text)
        return ways[0].text if ways else otherwise


def _led_to(route: Any, endpoint: object) -> bool:
    """Whether *route* led to *endpoint*; a router that sets none leaves that of the mount above it."""
    if hasattr(route, "endpoint"):
        return route.endpoint is endpoint
    return getattr(route, "app", endpoint) is endpoint


def _effective_context(scope: Scope, route: object) -> Any | None:
    """Return what FastAPI from 0.137 knows of an included route: its own path lacks the prefixes there."""
    kept = scope.get("fastapi")
    context = kept.get("effective_route_context") if isinstance(kept, dict) else None
    return context if context is not None and getattr(context, "original_route", None) is route else None


def _frontend(scope: Scope) -> str | None:
    """Return where the files of a frontend begin, which FastAPI from 0.138 serves when no route matches."""
    kept = scope["fastapi"]
    file = kept.get("frontend_path") if isinstance(kept, dict) else None
    if not isinstance(file, str):
        return None
    path, root, outer = scope["path"], scope.get("root_path", ""), scope.get("app_root_path")
    own = path.removeprefix(root)
    # What mounts have added is left out where a parameter has made it the client's text.
    grown = "" if outer is None or scope.get("path_params") else root[len(outer) :]
    return (grown + own.removesuffix(file).rstrip("/")) or "/"


def _litestar_mount(scope: Scope, arrived: str | None) -> str | None:
    """Return the path of a mount of Litestar's, which leaves no template, but the path below it."""
    if arrived is None or scope.get("path_template") != "":
        return None
    # As Litestar does it, so that no client can spell one mount in many ways.
    own = "/" + "/".join(filter(None, arrived.removeprefix(scope.get("root_path", "")).split("/")))
    below = scope["path"].rstrip("/")
    return (own.removesuffix(below) or "/") if own.endswith(below) else None


def _path_below_server(scope: Scope) -> str:
    path, outer = scope["path"], scope.get("app_root_path", scope.get("root_path", ""))
    return str(path[len(outer) :]) if outer and path.startswith(outer) else str(path)
