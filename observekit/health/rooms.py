"""Where services of this host may meet: one directory for each user, in the first room that has space."""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

BASE: Final = "observekit-drain-"
"""How the directory of a user begins; the number of the user follows."""


def rooms_of(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the directories in which there may be a base, the best first, each once."""
    # Source: systemd.exec(5): a unit's own directory, so nobody of it is anywhere else.
    own = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    usual = (environ.get("XDG_RUNTIME_DIR") or "/run", "/run", tempfile.gettempdir())
    rooms = [Path(one) for one in ((own,) if own else usual)]
    yield from dict.fromkeys(room for room in rooms if room.is_absolute())


def base_in(room: Path) -> Path:
    """Return the directory of this user in *room*."""
    return room / f"{BASE}{os.geteuid()}"


def is_trusted(base: Path) -> bool:
    """Whether *base* is a directory of the user that it is named after, and nobody else can write to it."""
    try:
        return is_private(base.name, base.lstat())
    except OSError:
        return False


def is_private(name: str, about: os.stat_result) -> bool:
    """Whether a directory called *name* belongs to the user that it is named after, and to nobody else."""
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(about.st_mode) and name == f"{BASE}{about.st_uid}" and not about.st_mode & others
