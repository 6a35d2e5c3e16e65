"""Has servers observe the application that they load; imported by every Python below ``observekit run``.

Nothing of observekit is imported before a server is; the next ``sitecustomize`` has its turn.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Final

_SERVERS: Final = frozenset(
    {
        "granian._internal",
        "granian.asgi",
        "gunicorn.workers.base",
        "gunicorn.workers.gasgi",
        "hypercorn.utils",
        "uvicorn.config",
    }
)
"""Modules in which servers load their application or take it over."""


class _Finder(MetaPathFinder):
    """Finds the modules of servers as they would be found without, and is told when they have been made."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _SERVERS:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(Loader):
    """Does what another loader does, and then makes the server observe."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _observe(module)


def _observe(module: ModuleType) -> None:
    """Have the server whose *module* this is observe its application; if that fails, it serves unobserved."""
    try:
        from observekit.install.zero import observe_server  # noqa: PLC0415 -- of no use to other programs

        observe_server(module)
    except Exception as error:  # noqa: BLE001 -- observekit may be missing here, or of another release
        told = f"{type(error).__name__}: {error}"
        print(f"observekit run: {module.__name__} is not observed: {told}", file=sys.stderr)


def _next_one() -> Callable[[], None] | None:
    """Return what runs the sitecustomize that would have been imported without this one."""
    own = Path(__file__).parent
    places = [place for place in sys.path if Path(place).resolve() != own.resolve()]
    spec = PathFinder.find_spec(__name__, places)
    loader = None if spec is None else spec.loader
    if spec is None or loader is None:
        return None
    module = module_from_spec(spec)

    def run() -> None:
        sys.modules[__name__] = module
        loader.exec_module(module)

    return run


sys.meta_path.insert(0, _Finder())
with suppress(
    ValueError
):  # Nobody else is to find what is in our directory; children get it by the environment.
    sys.path.remove(str(Path(__file__).parent))
if (_run := _next_one()) is not None:
    _run()
