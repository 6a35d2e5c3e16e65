"""Adding the workers that have gone to the sum over all of them, so that their files can go too.

All of it happens under the lock of the group. Until the new sum is in its place, nothing has happened; from
then on the list in it says whose files do not count any more, whether they are still there or not.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from observekit.metrics.workers.dead import WORKERS_KEPT, DeadFile, Step, add
from observekit.metrics.workers.others import Others, page_of

Failed = Callable[[BaseException], None]


def fold(directory: str, dead_file: DeadFile, others: Others, own: str, failed: Failed, step: Step) -> None:
    """Add up who has gone; *step* is told the name of each step before it is done.

    Raises:
        OSError: There is no room for the sum, or it cannot be replaced. Nothing is lost.
        WorkerFileError: The sum that is there is damaged, and was not known before.
    """
    step("refresh")
    dead_file.refresh()
    ended = {file.identity.worker for file in others.look(own, dead_file.last) if not file.is_alive()}
    # Looked at again: who has ended by now may have finished a further turn since the first look.
    gone = [file for file in others.look(own, dead_file.last) if file.identity.worker in ended]
    step("read")
    pages = {file: page_of(file, failed, exemplars=False) for file in gone}
    read = {file.identity.worker: page for file, page in pages.items() if page is not None}
    if read or dead_file.is_damaged:
        dead = dead_file.last
        data = add(dead, read, _workers([*dead.workers, *read], others.present()))
        dead_file.replace(data, step)
        step("reread")
        dead_file.refresh()
    for name in others.leftovers(dead_file.last):
        step("unlink")
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))  # noqa: PTH108, PTH118 -- strings all through
    others.look(own, dead_file.last)


def _workers(folded: list[str], present: set[str]) -> tuple[str, ...]:
    """Return those of *folded* who have files, and the latest of the others."""
    excess = len(folded) - WORKERS_KEPT
    return tuple(worker for at, worker in enumerate(folded) if at >= excess or worker in present)
