"""HTTP clients: no secrets of a URL on their spans, and no context for hosts that it is not for."""

from collections.abc import Callable, Mapping, MutableMapping
from functools import wraps
from importlib import import_module
from typing import Any, Final, Protocol
from urllib.parse import urljoin, urlsplit

# The stable name, and the one that instrumentations use where the old conventions are asked for.
_URLS: Final = ("url.full", "http.url")

Headers = MutableMapping[str, str]
Undo = Callable[[], object]


class Leaving(Protocol):
    """Decides what leaves with a request."""

    def leaving(self, host: str | None, headers: Headers | None) -> None:
        """Say where the next headers go to."""

    def strip(self, host: str | None, headers: Headers) -> None:
        """Take out of *headers* what is not for *host*."""


class Clients:
    """What the instrumentation of each client is told.

    Args:
        outgoing: Decides what leaves.
        failed: Told what goes wrong here, which must not hurt the request under way.
    """

    def __init__(self, outgoing: Leaving, failed: Callable[[Exception], None]) -> None:
        self._outgoing = outgoing
        self._failed = failed
        self._undo: list[Undo] = []

    def options(self) -> Mapping[str, Callable[[], dict[str, Any]]]:
        """Return what each instrumentation is to be given, by the name of its entry point."""
        return {
            "httpx": self._of_httpx,
            "httpx2": self._of_httpx,
            "requests": self._of_requests,
            "aiohttp-client": self._of_aiohttp,
            "urllib3": lambda: {"request_hook": self._before_urllib3},
            "urllib": self._of_urllib,
        }

    def undo(self) -> None:
        """Take back what instrumentations do not do themselves."""
        for one in reversed(self._undo):
            one()
        self._undo.clear()

    def _of_httpx(self) -> dict[str, Any]:
        def before(span: Any, request: Any) -> None:
            url = request.url
            host = url[1].decode("latin-1") if isinstance(url, tuple) else url.host
            self._before(span, host, request.headers)

        async def before_async(span: Any, request: Any) -> None:
            before(span, request)

        return {"request_hook": before, "async_request_hook": before_async}

    def _of_requests(self) -> dict[str, Any]:
        def redirected(_: object, request: Any, __: object) -> None:
            self._outgoing.strip(urlsplit(request.url).hostname, request.headers)

        # Where requests itself takes credentials out of what it sends to another host.
        self._after(import_module("requests").Session, "rebuild_auth", redirected)
        return {"request_hook": lambda span, one: self._before(span, urlsplit(one.url).hostname, one.headers)}

    def _of_urllib(self) -> dict[str, Any]:
        def redirected(_: object, *given: Any) -> None:
            request = given[-1]
            if request is not None:
                self._outgoing.strip(urlsplit(request.full_url).hostname, _Capitalized(request.headers))

        handler = import_module("urllib.request").HTTPRedirectHandler
        self._after(handler, "redirect_request", redirected)
        return {
            "request_hook": lambda span, one: self._before(
                span, urlsplit(one.full_url).hostname, _Capitalized(one.headers)
            )
        }

    def _of_aiohttp(self) -> dict[str, Any]:
        async def redirected(_: object, __: object, params: Any) -> None:
            answer = params.response.headers
            target = urljoin(str(params.url), answer.get("location") or answer.get("uri") or "")
            try:
                self._outgoing.strip(urlsplit(target).hostname, params.headers)
            except Exception as error:  # noqa: BLE001 -- aiohttp says what is wrong with the target
                self._failed(error)

        traced = import_module("aiohttp").TraceConfig()
        traced.on_request_redirect.append(redirected)
        return {
            "request_hook": lambda span, one: self._before(span, one.url.host, one.headers),
            "trace_configs": [traced],
        }

    def _before_urllib3(self, span: Any, pool: Any, request: Any) -> None:
        # Not the host of the pool, which is that of a proxy where there is one.
        self._before(span, urlsplit(request.url).hostname or pool.host, request.headers)

    def _before(self, span: Any, host: str | None, headers: Headers | None) -> None:
        """Do what is to be done before the headers of a request are written."""
        try:
            self._outgoing.leaving(host, headers)
            _without_query(span)
        except Exception as error:  # noqa: BLE001 -- the request is the service's, and goes out
            self._failed(error)

    def _after(self, owner: Any, name: str, then: Callable[..., None]) -> None:
        """Call *then* after a method of *owner* with what that was given, and what it returned at the end."""
        method = getattr(owner, name)

        @wraps(method)
        def around(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            try:
                then(*args, *([] if result is None else [result]))
            except Exception as error:  # noqa: BLE001 -- the redirect is followed, as it would be
                self._failed(error)
            return result

        def undo() -> None:
            if getattr(owner, name) is around:
                setattr(owner, name, method)

        setattr(owner, name, around)
        self._undo.append(undo)


class _Capitalized(MutableMapping[str, str]):
    """Headers of urllib, which spells their names with a capital and otherwise small letters."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def _key(self, name: str) -> str:
        return next((key for key in self._headers if key.lower() == name.lower()), name)

    def __getitem__(self, name: str) -> str:
        return self._headers[self._key(name)]

    def __setitem__(self, name: str, value: str) -> None:
        self._headers[self._key(name)] = value

    def __delitem__(self, name: str) -> None:
        del self._headers[self._key(name)]

    def __iter__(self) -> Any:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def _without_query(span: Any) -> None:
    """Take out of a CLIENT span what may hold secrets: everything in the URL from its query on."""
    if not span.is_recording():
        return
    for name in _URLS:
        url = (span.attributes or {}).get(name)
        if isinstance(url, str):
            span.set_attribute(name, url.partition("?")[0].partition("#")[0])
