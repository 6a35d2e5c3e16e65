"""All places that a command may look into: those of this user, or for root those of everybody."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import finalize

from observekit.health.place import Place
from observekit.health.rooms import BASE, base_in, is_private, is_trusted, rooms_of

# What is opened is the directory itself, or nothing.
_ITSELF: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def all_places(environ: Mapping[str, str]) -> list[Place]:
    """Return the places of all services of this user on this host; root's are those of all users."""
    found: list[Place] = []
    for room in rooms_of(environ):
        own = base_in(room)
        if is_trusted(own):
            found += [Place(one) for one in sorted(own.iterdir()) if one.is_dir() and not one.is_symlink()]
        if os.geteuid() == 0:
            for base in _bases_of_others(room, own):
                found += _held_places(base)
    return found


def _bases_of_others(room: Path, own: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(one for one in room.iterdir() if one.name.startswith(BASE) and one != own)
    return []


def _held_places(base: Path) -> Iterator[Place]:
    """Yield the places of another user, each by a descriptor that is held as long as it.

    By their names they could become other directories between two looks: whose they are can put a link
    there, and have root remove the sockets of somebody else.
    """
    with suppress(OSError):
        directory = os.open(base, _ITSELF)
        try:
            if is_private(base.name, os.fstat(directory)):
                # By its descriptor, which a path cannot be.
                for name in sorted(os.listdir(directory)):  # noqa: PTH208 -- as said
                    yield from _held(name, directory)
        finally:
            os.close(directory)


def _held(name: str, directory: int) -> Iterator[Place]:
    with suppress(OSError):
        descriptor = os.open(name, _ITSELF, dir_fd=directory)
        place = Place(Path(f"/proc/self/fd/{descriptor}"))
        finalize(place, os.close, descriptor)
        yield place
