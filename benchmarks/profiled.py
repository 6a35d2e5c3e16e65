"""Where a row's time goes: functions of the request's thread by their own time.

``python -m benchmarks.profiled observekit-sampled``. The profiler makes small functions look dear: read the
order, and measure what you change with ``benchmarks/run``.
"""

import asyncio
import cProfile
import sys
from pstats import Stats

from benchmarks.choice import QUEUE_SIZE, Choice, build
from benchmarks.drive import Driver, flush, flushed
from benchmarks.processes import endpoint, sink
from benchmarks.rows import BY_NAME

_REQUESTS = 20_000
_MICROSECONDS = 1e6
_SHOWN = 45


def main() -> None:
    """Profile the row that the argument names."""
    row = BY_NAME[sys.argv[1]]
    profile = cProfile.Profile()
    loop = asyncio.new_event_loop()
    with sink() as sink_url:
        driver = Driver(build(row.variant, Choice(endpoint(sink_url, row.name), row.ratio, QUEUE_SIZE)), row)
        loop.run_until_complete(driver.run(_REQUESTS // 10))
        profile.enable()
        loop.run_until_complete(driver.run(_REQUESTS))
        profile.disable()
        flushed(flush)
    _print(Stats(profile))


def _print(stats: Stats) -> None:
    """Print to standard error: standard output belongs to the variant."""
    functions = stats.get_stats_profile().func_profiles.items()
    print("own us  all us  calls  function, of a request", file=sys.stderr)
    for name, one in sorted(functions, key=lambda item: -item[1].tottime)[:_SHOWN]:
        own, whole = (seconds / _REQUESTS * _MICROSECONDS for seconds in (one.tottime, one.cumtime))
        calls = int(str(one.ncalls).split("/")[0]) / _REQUESTS
        place = f"{one.file_name}:{one.line_number}"
        print(f"{own:6.2f}  {whole:6.2f}  {calls:5.2f}  {name}  {place}", file=sys.stderr)


if __name__ == "__main__":
    main()
