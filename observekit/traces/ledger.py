"""Ended spans that wait for the collector, and the account of what became of each.

Ended = exported + rejected + dropped + waiting, at every moment: what moves a span from one to another does
so within one lock. It is re-entrant, since a signal handler may end a span while another is taken in; and
nothing that runs within it waits for anything.
"""

from collections import deque
from collections.abc import Iterable
from threading import RLock
from typing import Final, NamedTuple, Protocol

from observekit.traces.encoding import Group

# What the interpreter needs for an item besides its bytes. Source: sys.getsizeof of the tuple and of empty
# bytes, and a place in a deque.
_ITEM_BYTES: Final = 104


class Item(NamedTuple):
    """A span as it will be sent."""

    group: Group
    content: bytes

    @property
    def size(self) -> int:
        """The bytes that it takes while it waits."""
        return len(self.content) + _ITEM_BYTES


class Account(Protocol):
    """Where it is written down what became of spans; each method is told a number of them."""

    def span_ended(self) -> None:
        """Note a sampled span that has ended."""

    def spans_exported(self, spans: int) -> None:
        """Note spans that the collector has taken."""

    def spans_rejected(self, spans: int) -> None:
        """Note spans that the collector has refused for good."""

    def span_dropped(self, reason: str, spans: int) -> None:
        """Note spans that will not arrive."""


class Held(NamedTuple):
    """What is waiting, the batch under way included."""

    spans: int
    size: int


class Ledger:
    """Holds spans, at most so many and so many bytes, and accounts for them.

    Args:
        account: Told of each change.
        spans: Spans that may wait.
        size: Bytes that they may take.
    """

    def __init__(self, account: Account, spans: int, size: int) -> None:
        self._account = account
        self._most_spans = spans
        self._most_bytes = size
        self.start_afresh()

    def start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's spans are the parent's."""
        self._lock = RLock()
        self._waiting: deque[Item] = deque()
        # The batch under way, which whoever takes it out of here answers for.
        self._trying: list[Item] = []
        self._bytes = 0
        self._closed = False

    def put(self, item: Item) -> int:
        """Take in a span that has ended, or drop it; return how many wait."""
        size = item.size  # No call between reading and writing a number, because that is where handlers run.
        with self._lock:
            self._account.span_ended()
            refused = self._refused(size)
            if refused is not None:
                self._account.span_dropped(refused, 1)
                return 0
            self._bytes += size
            self._waiting.append(item)
            return len(self._waiting)

    def lose(self, reason: str) -> None:
        """Note a span that has ended, and that cannot be taken in."""
        with self._lock:
            self._account.span_ended()
            self._account.span_dropped(reason, 1)

    def take(self, spans: int, size: int) -> list[Item]:
        """Return the first *spans* spans, or those in *size* bytes, at least one; they are under way."""
        with self._lock:
            batch: list[Item] = []
            left = size
            while self._waiting and len(batch) < spans:
                item = self._waiting[0]
                left -= len(item.content)
                if left < 0 and batch:
                    break
                batch.append(self._waiting.popleft())
            self._trying = batch
            return batch

    def put_back(self, batch: list[Item]) -> None:
        """Let a batch that did not arrive wait again, before all others."""
        with self._lock:
            if self._trying is batch:
                self._waiting.extendleft(reversed(batch))
                self._trying = []

    def put_all_back(self) -> None:
        """Let the batch under way wait again, whoever took it; not while somebody sends it."""
        with self._lock:
            self.put_back(self._trying)

    def settle(self, batch: list[Item], *, exported: int = 0, rejected: int = 0, reason: str = "") -> bool:
        """Note what became of a batch, those that are neither as dropped for *reason*.

        Return whether that was still open: somebody may have given it up meanwhile.
        """
        with self._lock:
            if self._trying is not batch:
                return False
            self._trying = []
            self._let_go(batch)
            if exported:
                self._account.spans_exported(exported)
            if rejected:
                self._account.spans_rejected(rejected)
            lost = len(batch) - exported - rejected
            if lost:
                self._account.span_dropped(reason, lost)
            return True

    def give_up(self) -> int:
        """Drop all that waits or is under way; return how many."""
        with self._lock:
            left = [*self._trying, *self._waiting]
            self._waiting.clear()
            self._trying = []
            self._let_go(left)
            if left:
                self._account.span_dropped("shutdown", len(left))
            return len(left)

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    def held(self) -> Held:
        """Return how much is waiting."""
        with self._lock:
            return Held(len(self._waiting) + len(self._trying), self._bytes)

    def _refused(self, size: int) -> str | None:
        if self._closed:
            return "shutdown"
        full = len(self._waiting) + len(self._trying) >= self._most_spans
        return "queue_full" if full or self._bytes + size > self._most_bytes else None

    def _let_go(self, items: Iterable[Item]) -> None:
        size = sum(item.size for item in items)
        self._bytes -= size
