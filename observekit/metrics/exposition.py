"""The metrics page: every family that can be rendered, in short turns, and once a second for a crowd."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic, perf_counter
from typing import Any, Final, cast

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

from observekit.guard import in_forked_child
from observekit.metrics.collecting import Fetcher, collected, is_slow
from observekit.metrics.foreign import ClientMetrics, is_known
from observekit.metrics.kept import KeptPages
from observekit.metrics.negotiation import Wish, negotiate
from observekit.metrics.owners import claimed, owners_of
from observekit.metrics.page import Page, compressed, in_turns
from observekit.metrics.store import Store
from observekit.metrics.text import Format
from observekit.metrics.workers.member import Member
from observekit.metrics.workers.page import SharedPage, Writable
from observekit.metrics.writing import encoded, written
from observekit.worker import Worker

# What the files of all workers may take to read; then the page has what they said just before, or there is
# none. Source: less than half of the 10 s that Prometheus waits for one where nothing is set.
_WORKERS_SECONDS: Final = 4.0
_BUSY_SECONDS: Final = 0.01
# How old that may be. Source: scrapes are 5 s apart or more, and each may be of another worker, whose totals
# must not be higher than those of the next.
_OLD_SECONDS: Final = 1.0

_EOF: Final = b"# EOF\n"

Failed = Callable[[str, Exception], None]
Families = Mapping[int, list[Metric]]
_Key = tuple[str, bool]


class NoPageError(TimeoutError):
    """What all workers have cannot be had for now; one's own, or an old one, would be taken for it."""


class Exposition:
    """Renders a registry; what fails costs its own families only.

    *failed* is told the name of each collector that failed, and *took* the seconds of work each page took.
    *member* is this process among several workers, if there can be any: the page is that of all of them.
    """

    __slots__ = (
        *("__weakref__", "_client", "_failed", "_fetcher", "_kept", "_member"),
        *("_last", "_read_at", "_reader", "_reading", "_registry", "_running", "_took", "_turn"),
    )

    def __init__(
        self,
        registry: CollectorRegistry,
        failed: Failed,
        took: Callable[[float], None],
        member: Member | None = None,
    ) -> None:
        self._registry = registry
        self._member = member
        self._failed = failed
        self._took = took
        self._client = ClientMetrics()
        self._fetcher = Fetcher(failed)
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._kept = KeptPages()
        self._running: dict[_Key, asyncio.Task[Page]] = {}
        self._turn: tuple[object, asyncio.Lock] = (None, asyncio.Lock())
        self._reader = Worker("workers-page", self._shared)
        self._reading: asyncio.Task[SharedPage | None] | None = None
        self._last: SharedPage | None = None
        self._read_at = 0.0

    def close(self) -> None:
        """Let go of the threads that collectors and the files of other workers are read on."""
        self._fetcher.close()
        self._reader.close()

    def render(self, accept: str) -> Page:
        """Return the page in the format that the *accept* header asks for, made in one go.

        Raises:
            NoPageError: What all workers have cannot be read, and has not been just before.
        """
        asked = monotonic()
        wish = negotiate(accept)
        found = {id(one): self._asked(one) for one in collectors(self._registry) if is_slow(one)}
        try:
            shared = self._shared()
        except Exception as error:  # noqa: BLE001 -- no page is worse than an old one
            shared = self._said_before(error, asked)
        return Page(tuple(self._pieces(wish, found, shared)), wish.content_type)

    async def page(self, accept: str, *, gzip: bool = False) -> Page:
        """Return the page in the format that the *accept* header asks for, Prometheus text if in doubt.

        It is made in turns, between which the event loop does what else is due; in one go where the loop is
        not asyncio's. One that is being made is waited for, and one that is kept is given again.

        Raises:
            NoPageError: What all workers have cannot be read in time, and has not been just before.
        """
        key = (negotiate(accept).content_type, gzip)
        page = self._kept.get(key)
        if page is not None:
            return page
        loop = _asyncio_loop()
        if loop is None:
            return self.render(accept)
        task = self._running.get(key)
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._running[key] = loop.create_task(self._made_in_turn(key, accept, gzip))
        # Whoever waits may go away without taking the page from the others.
        return await asyncio.shield(task)

    async def _made_in_turn(self, key: _Key, accept: str, gzip: bool) -> Page:  # noqa: FBT001 -- part of the key
        """Make one page after another: two at once would each miss the collectors that the other asks."""
        if self._turn[0] is not (loop := asyncio.get_running_loop()):
            self._turn = loop, asyncio.Lock()
        try:
            async with self._turn[1]:
                return await self._made(key, accept, gzip)
        finally:
            if self._running.get(key) is asyncio.current_task():
                del self._running[key]

    async def _made(self, key: _Key, accept: str, gzip: bool) -> Page:  # noqa: FBT001 -- part of the key
        wish = negotiate(accept)
        shared = await self._read()
        alone = [one for one in collectors(self._registry) if self._of_all(one, shared) is None]
        found = await self._fetcher.fetch(alone)
        pieces: list[bytes] = []
        worked = 0.0
        made = self._pieces(wish, found, shared)
        source = compressed(made) if gzip else made
        while True:
            started = perf_counter()
            piece = next(source, None)
            worked += perf_counter() - started
            if piece is None:
                break
            pieces.append(piece)
            await asyncio.sleep(0)
        self._took(worked)
        page = Page(tuple(pieces), wish.content_type, "gzip" if gzip else "")
        self._kept.note(key, page, alone=shared is None)
        return page

    async def _read(self) -> SharedPage | None:
        """Return what all workers have; read on a thread, where there is more than this process."""
        member, asked = self._member, monotonic()
        if member is None or not member.has_company:
            return None
        try:
            async with asyncio.timeout(_WORKERS_SECONDS):
                # Others may wait for it too, and whoever comes when it is late.
                return await asyncio.shield(self._being_read())
        except Exception as error:  # noqa: BLE001 -- no page is worse than an old one
            return self._said_before(error, asked)

    def _being_read(self) -> "asyncio.Task[SharedPage | None]":
        loop, reading = asyncio.get_running_loop(), self._reading
        if reading is None or reading.done() or reading.get_loop() is not loop:
            reading = self._reading = loop.create_task(self._call_reader())
            reading.add_done_callback(_take_note)
        return reading

    async def _call_reader(self) -> SharedPage | None:
        while self._reader.busy:  # noqa: ASYNC110 -- for another loop, which may be closed by now
            await asyncio.sleep(_BUSY_SECONDS)
        return cast("SharedPage | None", await self._reader.call())

    def _shared(self) -> SharedPage | None:
        """Read what all workers have, on whatever thread this is."""
        began = monotonic()
        self._last = None if self._member is None else self._member.page()
        self._read_at = began
        return self._last

    def _said_before(self, error: Exception, asked: float) -> SharedPage:
        """Return what all workers said just before somebody *asked*, by the monotonic clock.

        Not what this one says, and not what they said before another worker's page may have been read:
        Prometheus would take a total that falls for a restart, and what comes back for as much more.

        Raises:
            NoPageError: They have not said anything, or it is too old.
        """
        self._failed("workers", error)
        if self._last is None or asked - self._read_at > _OLD_SECONDS:
            raise NoPageError("the files of the workers could not be read") from error
        return self._last

    def _pieces(self, wish: Wish, found: Families, shared: SharedPage | None) -> Iterator[bytes]:
        yield from in_turns(self._encoded(wish, found, shared))
        if wish.form == "openmetrics":
            yield _EOF

    def _encoded(self, wish: Wish, found: Families, shared: SharedPage | None) -> Iterator[bytes]:
        owners = owners_of(self._registry)
        written_by_all: set[str] = set()
        for collector in collectors(self._registry):
            ours = self._of_all(collector, shared)
            if ours is not None:
                written_by_all.update(one.name for one in ours)
                yield from self._together(ours, wish)
            elif wish.plain and isinstance(collector, Store):
                yield from map(encoded, collector.blocks(wish.form))
            elif wish.plain and id(collector) not in found and is_known(collector):
                yield from self._known(collector, wish.form)
            else:
                yield from self._written(collector, self._found(collector, found), wish, owners)
        if shared is not None:
            rest = [name for name in shared.names if name not in written_by_all and name not in owners]
            yield from self._together(map(shared.writable, rest), wish)

    def _of_all(self, collector: Any, shared: SharedPage | None) -> list[Writable] | None:
        if shared is None or self._member is None:
            return None
        return self._member.shown(collector, shared)

    def _together(self, families: Iterable[Writable], wish: Wish) -> Iterator[bytes]:
        """Write families of all workers."""
        for one in families:
            try:
                if wish.plain:
                    yield from map(encoded, one.blocks(wish.form))
                else:
                    yield from self._family(one.family(), wish)
            except Exception as error:  # noqa: BLE001 -- one family that cannot be read leaves the others there
                self._failed(one.name, error)

    def _known(self, metric: Any, form: Format) -> Iterator[bytes]:
        try:
            for block in self._client.blocks(metric, form):
                yield encoded(block)
        except Exception as error:  # noqa: BLE001 -- a value that a subclass or a patch has replaced
            self._failed(type(metric).__name__, error)

    def _found(self, collector: Any, found: Families) -> list[Metric]:
        if id(collector) in found:
            return found[id(collector)]
        # One of unknown speed was registered while others were asked: it is on the next page.
        return [] if is_slow(collector) else self._asked(collector)

    def _asked(self, collector: Any) -> list[Metric]:
        try:
            return collected(collector)
        except Exception as error:  # noqa: BLE001 -- a user's collector may raise anything
            self._failed(type(collector).__name__, error)
            return []

    def _written(
        self, collector: object, families: list[Metric], wish: Wish, owners: dict[str, object]
    ) -> Iterator[bytes]:
        try:
            for family in families:
                yield from claimed(owners, collector, family)
                yield from self._family(family, wish)
        except Exception as error:  # noqa: BLE001 -- what a collector returned need not be families
            self._failed(type(collector).__name__, error)

    def _family(self, family: Metric, wish: Wish) -> Iterator[bytes]:
        try:
            yield from written(family, wish)
        except Exception as error:  # noqa: BLE001 -- such as a value that is no number
            error.args = error.args[:1]  # The client library appends the whole family, all samples of it.
            self._failed(family.name, error)


def _take_note(reading: "asyncio.Task[SharedPage | None]") -> None:
    """Know of the error of one that nobody waits for any more; asyncio would warn of it."""
    if not reading.cancelled():
        reading.exception()


def collectors(registry: CollectorRegistry) -> list[Any]:
    """Return the collectors of *registry*, or itself where they cannot be had."""
    # There is no public way to ask a registry for its collectors, and one that raises takes
    # the whole of collect() down. Where the attribute is gone, the registry is asked as a whole.
    known = getattr(registry, "_collector_to_names", None)
    return [registry] if known is None else list(known)


def _asyncio_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
