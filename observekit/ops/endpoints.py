"""The management endpoints as small ASGI applications, by path."""

from collections.abc import Callable
from functools import partial
from typing import Final

from observekit.asgi import ASGIApp, Receive, Response, Scope, Send, send_response
from observekit.config import Config
from observekit.guard import Guard
from observekit.health.check import Check
from observekit.health.endpoints import Ask, Probes
from observekit.health.home import Home
from observekit.metrics.exposition import Exposition, NoPageError
from observekit.ops.access import Access
from observekit.ops.aside import Aside

_METHODS: Final = frozenset({"GET", "HEAD"})
_NO_STORE: Final = (b"cache-control", b"no-store")
_NOT_ALLOWED: Final = Response(405, b"use GET or HEAD\n", headers=((b"allow", b"GET, HEAD"), _NO_STORE))
_FAILED: Final = Response(500, b"observekit failed, see its log\n", headers=(_NO_STORE,))
_NOT_YET: Final = Response(503, b"the other workers could not be asked\n", headers=(_NO_STORE,))


def as_it_is(ask: Ask) -> Ask:
    """Ask where the server runs, which is on an event loop of asyncio."""
    return ask


def beside(home: Home, aside: Aside) -> Callable[[Ask], Ask]:
    """Return what asks beside an application whose loop may be of any kind, and notes which one it is."""

    def noting(ask: Ask) -> Ask:
        async def noted(scope: Scope) -> Response:
            home.settle()
            return await aside.answer(partial(ask, scope))

        return noted

    return noting


def endpoints(
    config: Config,
    exposition: Exposition,
    probes: Probes,
    access: Access,
    guard: Guard,
    around: Callable[[Ask], Ask] = as_it_is,
) -> dict[str, ASGIApp]:
    """Return the endpoints that *config* wants, by path; *access* says who gets the metrics page.

    *around* has them asked where they can be answered.
    """

    async def metrics(scope: Scope) -> Response:
        refusal = access.refusal(scope)
        if refusal is not None:
            return refusal
        try:
            page = await exposition.page(_header(scope, b"accept"), gzip=_takes_gzip(scope))
        except NoPageError:
            return _NOT_YET
        encoding = ((b"content-encoding", page.encoding.encode()),) if page.encoding else ()
        headers = ((b"vary", b"accept, accept-encoding"), _NO_STORE, *encoding)
        return Response(200, page.pieces, page.content_type.encode("latin-1"), headers)

    asked: dict[str, tuple[str, Ask]] = {
        "metrics_path": ("metrics", metrics),
        "liveness_path": ("health", probes.liveness),
        "readiness_path": ("health", probes.readiness),
        "startup_path": ("health", probes.startup),
    }
    return {
        path: _endpoint(asked[setting][0], around(asked[setting][1]), guard)
        for path, setting in served_paths(config).items()
    }


def served_paths(config: Config) -> dict[str, str]:
    """Return the path of each endpoint that *config* wants, and the setting that says so."""
    settings = ["metrics_path"] if config.metrics else []
    if config.health:
        settings += ["liveness_path", "readiness_path", "startup_path"]
    paths = ((getattr(config, setting), setting) for setting in settings)
    return {path: setting for path, setting in paths if path is not None}


def check_path(config: Config, check: Check) -> str | None:
    """Return where one check alone answers; nowhere where its probe does not."""
    probe: str | None = getattr(config, f"{check.probe}_path")
    return f"{probe}/{check.name}" if config.health and probe is not None else None


def health_endpoint(ask: Ask, guard: Guard) -> ASGIApp:
    """Return an endpoint of health that is not among the fixed ones."""
    return _endpoint("health", ask, guard)


def _endpoint(component: str, ask: Ask, guard: Guard) -> ASGIApp:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- the ASGI signature
        method = scope["method"]
        response = _NOT_ALLOWED
        if method in _METHODS:
            try:
                response = await ask(scope)
            except Exception as error:  # noqa: BLE001 -- a probe gets an answer, whatever is wrong with us
                guard.failed(component, error)
                response = _FAILED
        await send_response(response, method, send)

    return endpoint


def _header(scope: Scope, wanted: bytes) -> str:
    values = [value for name, value in scope.get("headers", ()) if name == wanted]
    return b",".join(values).decode("latin-1")


def _takes_gzip(scope: Scope) -> bool:
    """Whether the caller takes gzip; a weight of zero says that he does not."""
    for part in _header(scope, b"accept-encoding").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
