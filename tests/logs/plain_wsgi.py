"""A WSGI application in a process that is set up, around which there is no layer."""

from collections.abc import Callable, Iterable
from typing import Any

from observekit import setup

setup(log_format="json", traces=False)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"ok"]
