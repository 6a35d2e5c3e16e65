"""The event loop and the kernel's limits as metrics."""

import threading
from contextlib import suppress

from observekit.catalogue import saturation
from observekit.health.lifecycle import State
from observekit.install.voice import Voice
from observekit.metrics.eventloop import LoopWatch
from observekit.metrics.saturation import Saturation
from observekit.metrics.store import Store


def watch(store: Store, voice: Voice) -> LoopWatch:
    """Show event loop, threads and saturation in *store*; return what watches a loop it is started on."""
    lag = store.histogram(saturation.EVENT_LOOP_LAG).cell()
    stalls = store.counter(saturation.EVENT_LOOP_STALLS).cell()
    watched = LoopWatch(lag.observe, stalls.add, voice.loop_stalled)
    store.reading(saturation.ASYNCIO_TASKS, watched.tasks)
    store.reading(saturation.PYTHON_THREADS, lambda: [((), float(threading.active_count()))])
    kernel = Saturation()
    store.reading(saturation.CGROUP_THROTTLED, kernel.throttled_seconds)
    store.reading(saturation.CGROUP_CPU_LIMIT, kernel.cpu_limit_cores)
    store.reading(saturation.CGROUP_MEMORY_USAGE, kernel.memory_usage_bytes)
    store.reading(saturation.CGROUP_MEMORY_LIMIT, kernel.memory_limit_bytes)
    store.reading(saturation.PRESSURE, kernel.pressure_seconds)
    store.reading(saturation.STEAL, kernel.steal_seconds)
    return watched


def follow(watched: LoopWatch, state: State) -> None:
    """Watch the running event loop while the process is at work; its start-up may hold the loop at will."""
    if state == "ready":
        with suppress(RuntimeError):  # Another kind of loop, as trio's, or none.
            watched.start()
    elif state in {"stopped", "broken"}:
        watched.stop()
