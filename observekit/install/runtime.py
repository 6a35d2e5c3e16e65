"""The event loop and the kernel's limits as metrics."""

import threading
from contextlib import suppress

from observekit.catalogue import metrics as catalogue
from observekit.health.lifecycle import State
from observekit.install.voice import Voice
from observekit.metrics.eventloop import LoopWatch
from observekit.metrics.saturation import Saturation
from observekit.metrics.store import Store


def watch(store: Store, voice: Voice) -> LoopWatch:
    """Show event loop, threads and saturation in *store*; return what watches a loop it is started on."""
    lag = store.histogram(catalogue.EVENT_LOOP_LAG).cell()
    stalls = store.counter(catalogue.EVENT_LOOP_STALLS).cell()
    watched = LoopWatch(lag.observe, stalls.add, voice.loop_stalled)
    store.reading(catalogue.ASYNCIO_TASKS, watched.tasks)
    store.reading(catalogue.PYTHON_THREADS, lambda: [((), float(threading.active_count()))])
    saturation = Saturation()
    store.reading(catalogue.CGROUP_THROTTLED, saturation.throttled_seconds)
    store.reading(catalogue.CGROUP_CPU_LIMIT, saturation.cpu_limit_cores)
    store.reading(catalogue.CGROUP_MEMORY_USAGE, saturation.memory_usage_bytes)
    store.reading(catalogue.CGROUP_MEMORY_LIMIT, saturation.memory_limit_bytes)
    store.reading(catalogue.PRESSURE, saturation.pressure_seconds)
    store.reading(catalogue.STEAL, saturation.steal_seconds)
    return watched


def follow(watched: LoopWatch, state: State) -> None:
    """Watch the running event loop while the process is at work; its start-up may hold the loop at will."""
    if state == "ready":
        with suppress(RuntimeError):  # Another kind of loop, as trio's, or none.
            watched.start()
    elif state in {"stopped", "broken"}:
        watched.stop()
