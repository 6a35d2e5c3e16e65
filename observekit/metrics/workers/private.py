"""A directory that nobody else can get at."""

import errno
import os
import stat
from contextlib import suppress
from typing import Final

_ROOT: Final = 0
# Who gets through a directory that he cannot list finds nothing whose name he does not know.
_PASSAGE: Final = 0o711
_READABLE: Final = 0o444
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def make_private(directory: str) -> None:
    """Make *directory*, or see that it is ours alone.

    Raises:
        OSError: It cannot be made, is a link, somebody else's, or open to others. More than the two
            directories that are ours, this one and the one it is in, are never made.
    """
    try:
        _make(directory)
    except FileNotFoundError:
        _make(os.path.dirname(directory))  # noqa: PTH120 -- strings all through
        _make(directory)
    if not is_private(directory):
        raise OSError(errno.EPERM, "not a private directory of ours", directory)


def _make(directory: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)  # noqa: PTH102 -- as above


def is_private(directory: str) -> bool:
    """Tell whether *directory* is there, is no link, and ours alone, or was until we handed it over.

    Raises:
        OSError: Nobody knows, or it is not there.
    """
    found = os.lstat(directory)
    if _is_passage(found):
        return os.geteuid() == _ROOT
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        return False
    return found.st_uid == os.geteuid() or _was_handed_over(directory)


def _was_handed_over(directory: str) -> bool:
    """Tell whether we are root, who alone can have put a directory of another user's where this one is."""
    if os.geteuid() != _ROOT:
        return False
    return _is_passage(os.lstat(os.path.dirname(directory)))  # noqa: PTH120 -- as above


def _is_passage(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == _ROOT and stat.S_IMODE(found.st_mode) == _PASSAGE


def hand_over(directory: str, uid: int) -> None:
    """Give *directory* to the user *uid*, as root, who goes on using it.

    What root has in it stays root's, so that nobody else cuts it off under a map; the other may read it.

    Raises:
        OSError: It cannot be done.
    """
    os.chmod(os.path.dirname(directory), _PASSAGE)  # noqa: PTH101, PTH120 -- as above
    if os.lstat(directory).st_uid == uid:
        return
    # Before it is the other's: he could put here what is none of his business.
    for name in os.listdir(directory):  # noqa: PTH208 -- as above
        with suppress(FileNotFoundError):
            _let_read(os.path.join(directory, name))  # noqa: PTH118 -- as above
    os.chown(directory, uid, -1, follow_symlinks=False)


def _let_read(path: str) -> None:
    descriptor = os.open(path, _FLAGS)
    try:
        os.fchmod(descriptor, _READABLE)
    finally:
        os.close(descriptor)


def make_file(path: str, flags: int, mode: int = 0o400) -> int:
    """Make the file *path*, which the owner of its directory can read, and return its descriptor.

    That is somebody else only where we are root and have handed the directory over.

    Raises:
        OSError: It cannot be made, or is there, where *flags* say so.
    """
    descriptor = os.open(path, flags | os.O_CREAT, mode)
    try:
        if os.geteuid() == _ROOT and os.stat(os.path.dirname(path)).st_uid != _ROOT:  # noqa: PTH116, PTH120
            os.fchmod(descriptor, _READABLE)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
