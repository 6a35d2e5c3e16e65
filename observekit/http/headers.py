"""The few request headers that are wanted, found in one pass."""

from observekit.asgi import Scope


class HeaderPicker:
    """Picks headers by name; every value of each, in the order they came."""

    __slots__ = ("_names",)

    def __init__(self, names: frozenset[str]) -> None:
        self._names = {name.lower().encode("latin-1"): name for name in names}

    def pick(self, scope: Scope) -> dict[str, list[str]]:
        """Return the values of the wanted headers, by the name they were asked for."""
        names = self._names
        found: dict[str, list[str]] = {}
        for raw, value in scope.get("headers", ()):
            name = names.get(raw)
            if name is not None:
                found.setdefault(name, []).append(value.decode("latin-1"))
        return found
