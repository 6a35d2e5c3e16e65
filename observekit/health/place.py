"""Where the processes of one service meet: a private directory with a socket of each, and a flag for all."""

import json
import os
import secrets
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, time
from typing import Final, NamedTuple

from observekit.health.parentage import is_running, sharing_parent, start_of
from observekit.health.rooms import base_in, is_trusted, rooms_of

RUN_VARIABLE: Final = "_OBSERVEKIT_RUN"
"""Names the directory of those that ``observekit run`` has started; for nobody to set."""

_SHARED_BY: Final = "of-"
_FLAG: Final = "draining"
_SOCKET: Final = ".sock"
_DRAFT: Final = ".draft"
# A place of which nobody is left is removed by the next start, unless somebody may be on his way to it.
_LEFT_SECONDS: Final = 60.0
_BACKLOG: Final = 16
# Source: unix(7): sun_path has 108 bytes, with the NUL at its end.
_LONGEST_ADDRESS: Final = 107
# Others may enter, and find what they know the name of: a server that has given up root looks for its own.
_OWN: Final = 0o700
_OF_ROOT: Final = 0o711
# Who knows its name, as root's own processes do, meets the others there, and removes only what is his.
_SHARED: Final = 0o1777


class Flag(NamedTuple):
    """Says to those that come later that the service is draining.

    ``since`` is a reading of the monotonic clock, which all processes of a host share. ``final`` says that a
    signal has asked for the end, so that nobody may take it back.
    """

    since: float
    cause: str
    final: bool = False


class Place:
    """The directory of one start of a service."""

    __slots__ = ("__weakref__", "path")

    def __init__(self, path: Path) -> None:
        self.path = path

    def sockets(self) -> list[Path]:
        """Return the sockets of the processes that are here, or were when they were killed."""
        try:
            return sorted(one for one in self.path.iterdir() if one.suffix == _SOCKET)
        except OSError:
            return []

    def listen(self) -> tuple[socket.socket, Path]:
        """Return a listening socket for this process, and where it is.

        Raises:
            OSError: If there can be none.
        """
        draft = self.path / f"{os.getpid()}-{secrets.token_hex(4)}{_DRAFT}"
        path = draft.with_suffix(_SOCKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short(draft) as address:
                listener.bind(address)
            listener.listen(_BACKLOG)
            listener.settimeout(0)
            # Only now: whoever asks takes a socket that does not listen for one of a dead process.
            draft.rename(path)
        except BaseException:
            listener.close()
            raise
        return listener, path

    def flag(self) -> Flag | None:
        """Return the flag, if it is up; what cannot be read is none."""
        try:
            said = json.loads((self.path / _FLAG).read_bytes())
            return Flag(float(said["since"]), str(said["cause"]), bool(said["final"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def raise_flag(self, cause: str, *, final: bool = False) -> Flag:
        """Put up the flag, or make it final; who comes second changes neither time nor cause.

        Raises:
            OSError: If it cannot be written.
        """
        before = self.flag()
        flag = Flag(monotonic(), cause) if before is None else before
        flag = flag._replace(final=final or flag.final)
        if flag != before:
            draft = self.path / f"{_FLAG}.{secrets.token_hex(4)}"
            draft.write_text(json.dumps(flag._asdict()), encoding="utf-8")
            draft.replace(self.path / _FLAG)
        return flag

    def lower_flag(self) -> None:
        """Take the flag away, if it is up."""
        (self.path / _FLAG).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the directory and what of ours is in it."""
        with suppress(OSError):
            for one in [*self.sockets(), *self.path.glob(f"*{_DRAFT}"), *self.path.glob(f"{_FLAG}*")]:
                one.unlink(missing_ok=True)
            self.path.rmdir()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield an address of *path* that is short enough for a socket."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def connect(path: Path) -> socket.socket:
    """Return a connection to the socket at *path* that does not block.

    Raises:
        OSError: If nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)  # noqa: FBT003 -- the one argument it has
        with _short(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def make_run(environ: Mapping[str, str]) -> Place:
    """Make the place of a service that is started now, for all that it will start.

    Raises:
        OSError: If no directory can be used.
    """
    base = _made_base(environ)
    _sweep(base)
    path = base / f"run-{os.getpid()}-{secrets.token_hex(16)}"
    _make(path, _SHARED if os.geteuid() == 0 else _OWN)
    return Place(path)


def of_this_process(environ: Mapping[str, str], *, alone: bool) -> Place | None:
    """Return where this process belongs, none where nobody would look for it.

    That is the place that ``observekit run`` has made, or the one that it shares with its siblings, who have
    been started by the same parent to share its work; *alone* asks for one where it has no siblings too.

    Raises:
        OSError: If no directory can be used.
    """
    given = environ.get(RUN_VARIABLE)
    if given and _is_run(Path(given)):
        return Place(Path(given))
    parent = sharing_parent(environ)
    if parent is None and not alone:
        return None
    base = _made_base(environ)
    _sweep(base)
    pid = os.getpid() if parent is None else parent
    # Process 1 of a container is met again by its next life, which must not find this one's flag.
    path = base / f"{_SHARED_BY}{pid}-{start_of(pid)}"
    with suppress(FileExistsError):
        _make(path, _OWN)
    return Place(path)


def has_place(environ: Mapping[str, str], *, alone: bool) -> bool:
    """Whether of_this_process() would return one."""
    given = environ.get(RUN_VARIABLE)
    return alone or bool(given and _is_run(Path(given))) or sharing_parent(environ) is not None


def _made_base(environ: Mapping[str, str]) -> Path:
    for base in map(base_in, rooms_of(environ)):
        with suppress(OSError):
            with suppress(FileExistsError):
                _make(base, _OF_ROOT if os.geteuid() == 0 else _OWN)
            if is_trusted(base) and os.access(base, os.W_OK | os.X_OK):
                return base
    raise OSError("no runtime directory can be written to; set XDG_RUNTIME_DIR or TMPDIR to one that can")


def _sweep(base: Path) -> None:
    """Remove the places of those who were killed: who made them is gone, and nobody has come for a while."""
    with suppress(OSError):
        for path in base.iterdir():
            with suppress(OSError):  # Another start sweeps as well.
                is_old = time() - path.stat().st_mtime > _LEFT_SECONDS
                if is_old and _has_lost_its_maker(path.name) and not _has_life(Place(path)):
                    Place(path).remove()


def _has_lost_its_maker(name: str) -> bool:
    """Whether the process that the place *name* is called after has ended."""
    _, pid, started = [*name.split("-"), "", ""][:3]
    if not pid.isdecimal():
        return False
    is_start = name.startswith(_SHARED_BY) and started.isdecimal()
    return not is_running(int(pid), int(started) if is_start else 0)


def _has_life(place: Place) -> bool:
    """Whether anybody listens there, as processes that this one cannot see may, in another container."""
    for path in place.sockets():
        try:
            connect(path).close()
        except (ConnectionRefusedError, FileNotFoundError):
            continue
        except OSError:
            return True
        return True
    return False


def _make(path: Path, mode: int) -> None:
    path.mkdir(mode=_OWN)
    if mode != _OWN:
        path.chmod(mode)


def _is_run(path: Path) -> bool:
    """Whether *path* was made by our own user, or by root before it was given up."""
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid in {0, os.geteuid()}
