"""prometheus-client's values that write through: what a counter of a user's counts, other workers see."""

import math
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import Any, Final, Protocol

from prometheus_client import values as client
from prometheus_client.samples import Exemplar

from observekit.metrics.cells import Record

# Long enough for whoever adds to a value just now, and no more if it is a signal handler that waits.
_MOMENT_SECONDS: Final = 0.05

Failed = Callable[[Exception], None]


class Bond(Protocol):
    """What a value belongs to; told when it gets an exemplar."""

    fresh: bool


class Nowhere:
    """The record of a value that nobody else is to see."""

    def __setitem__(self, place: int, value: float, /) -> None:
        """Store nothing."""


class First:
    """The record of a value that has none yet: what is written first calls *bind*, which gives it one.

    Where that fails *failed* is told, and the next that is written tries again: whoever counts must not
    hear of it, and the value keeps what was counted.
    """

    __slots__ = ("_bind", "_failed")

    def __init__(self, bind: Callable[[], None], failed: Failed) -> None:
        self._bind = bind
        self._failed = failed

    def __setitem__(self, place: int, value: float, /) -> None:
        """Let the value be bound, which stores it."""
        try:
            self._bind()
        except Exception as error:  # noqa: BLE001 -- labels of the user's may do anything when they are compared
            self._failed(error)


NOWHERE: Final = Nowhere()


class SharedValue(client.MutexValue):
    """A value of prometheus-client's that writes through to a record.

    A value that is there already is made one by its class. What is made later binds itself with its first
    write, because its metric is not registered before.
    """

    _record: Record = NOWHERE
    _stamp: Record = NOWHERE
    _bond: Bond | None = None
    _timestamp = 0.0

    def inc(self, amount: float) -> None:
        """Add *amount*."""
        with self._lock:
            self._value = self._record[0] = self._value + amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Replace the value."""
        with self._lock:
            self._value = self._record[0] = value
            if timestamp is not None:
                self._timestamp = self._stamp[0] = timestamp

    def set_exemplar(self, exemplar: Exemplar) -> None:
        """Keep *exemplar*, and let it be published."""
        with self._lock:
            self._exemplar = exemplar
        if self._bond is not None:
            self._bond.fresh = True


def value_class(
    bind: Callable[[SharedValue, str, tuple[str, ...]], None], failed: Failed
) -> type[SharedValue]:
    """Return the class of values that are made from now on.

    *bind* is told a value when it is first written, the name of its metric and the labels of its series;
    *failed* what it raises.
    """

    class Value(SharedValue):
        def __init__(
            self,
            typ: str,
            metric_name: str,
            name: str,
            labelnames: Any,
            labelvalues: Any,
            help_text: str,
            **more: Any,
        ) -> None:
            made: Any = super()
            made.__init__(typ, metric_name, name, labelnames, labelvalues, help_text, **more)
            self._lock: Any = RLock()  # To bind it, it is read while it is written.
            is_bucket = name.endswith("_bucket") and typ == "histogram"
            series = tuple(labelvalues)[:-1] if is_bucket else tuple(labelvalues)
            self._record = First(lambda: bind(self, metric_name, series), failed)

    return Value


def write_through(value: Any, record: Record, stamp: Record, bond: Bond) -> None:
    """Let *value*, prometheus-client's or ours, write to *record* from now on, and its time to *stamp*."""
    value._record, value._stamp, value._bond = record, stamp, bond
    if not isinstance(value, SharedValue):
        value.__class__ = SharedValue
        if value._lock.acquire(timeout=_MOMENT_SECONDS):  # Whoever was adding the old way is done now.
            value._lock.release()
    written: float | None = None
    while written != value._value and not _is_nan(written, value._value):
        written = record[0] = value._value


def let_go(value: Any) -> None:
    """Let *value* be one of prometheus-client's again."""
    for name in ("_stamp", "_bond", "_timestamp"):
        with suppress(AttributeError):
            delattr(value, name)
    value._record = NOWHERE  # Somebody may have got hold of a method that writes there.
    value.__class__ = client.MutexValue


def start_afresh(value: Any, record: Record, bond: Bond) -> None:
    """Let *value* be zero in a forked child, with a free lock, and *record* told of the first write."""
    if not isinstance(value, SharedValue):
        value.__class__ = SharedValue
    value._bond = bond
    value._lock = RLock()
    value._value = 0.0
    value._timestamp = 0.0
    value._exemplar = None
    value._record = record


def _is_nan(written: float | None, value: float) -> bool:
    return written is not None and math.isnan(written) and math.isnan(value)
