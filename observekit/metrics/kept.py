"""Pages that are given again: large ones for a second, and any of them to a crowd."""

from collections import deque
from time import monotonic
from typing import Final

from observekit.metrics.page import Page

# Source: Prometheus scrapes every 15 s or more; two servers and a curious person share one rendering.
KEEP_SECONDS: Final = 1.0
# Pages of up to some thousand lines are made anew: who looks twice, as in a test, sees what is. That takes
# about a millisecond; a time would decide by how busy the machine is.
_SMALL_BYTES: Final = 256 * 1024
_GZIP_RATIO: Final = 10
# How many within a second are still for somebody who looks twice.
_FEW: Final = 10


class KeptPages:
    """What was made within the last second, by what was asked for."""

    __slots__ = ("_made_at", "_pages")

    def __init__(self) -> None:
        self._pages: dict[object, tuple[float, Page]] = {}
        self._made_at: deque[float] = deque(maxlen=_FEW)

    def get(self, key: object) -> Page | None:
        """Return the page of *key* that is to be given again, if there is one."""
        self._forget_old(monotonic())
        return self._pages.get(key, (0.0, None))[1]

    def note(self, key: object, page: Page, *, alone: bool) -> None:
        """Keep *page*, just made, if it is large, or one of many of a process that is *alone*.

        Of several workers each keeps its own: who reads many of their pages within a second would see totals
        fall from one to the next. Large ones are kept all the same: to make one for each of a crowd would
        cost requests their time, and who scrapes comes once in some seconds.
        """
        now = monotonic()
        self._forget_old(now)
        one_of_many = alone and len(self._made_at) == _FEW and now - self._made_at[0] < KEEP_SECONDS
        self._made_at.append(now)
        if one_of_many or page.size * (_GZIP_RATIO if page.encoding else 1) > _SMALL_BYTES:
            self._pages[key] = (now + KEEP_SECONDS, page)

    def _forget_old(self, now: float) -> None:
        for key in [key for key, (expires, _) in self._pages.items() if expires <= now]:
            self._pages.pop(key, None)
