"""Who has been seen, in what is recorded: who dies must not be forgotten with his last sample.

A series that reads itself goes on for as long as it is asked to, which no window of an alert does.
"""

from typing import Final

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.catalogue.operations import JOB_LAST_SUCCESS, JOB_PERIOD
from observekit.dashboards.conditions import JOB, both, either, neither, present, scraped_at, where
from observekit.dashboards.promql import Vector, increase, max_by, now, sum_by
from observekit.dashboards.rules.durations import DAY, HOUR, MINUTE
from observekit.dashboards.rules.model import Group, Recording
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import ours
from observekit.dashboards.series import TARGET, UP, counts, samples

KNOWN: Final = "instance:observekit_known:bool"
SEEN: Final = "job:observekit_seen:timestamp_seconds"
FINISHED: Final = "job_name:job_last_success:timestamp_seconds"
BUSY: Final = "job:http_server_requests_before:increase1h"
EACH_JOB: Final = (*JOB, "job_name")
"""Labels that tell one job of a service from all others."""

_SHOWN: Final = 5 * MINUTE
# Source: at one request a minute, no request for 15 minutes has a chance of 1 in 3 million.
_BUSY_HOUR: Final = 60
_SILENCE: Final = 15 * MINUTE
# An outage of Prometheus that is shorter than this forgets nobody.
_REMEMBERED: Final = DAY


def known(given: Parameters) -> Group:
    """Return what is recorded of who was seen."""
    return Group(
        name="observekit-known",
        interval=given.time(MINUTE),
        recordings=(known_instances(given), seen_services(given), busy_services(given), finished_jobs(given)),
    )


def known_instances(given: Parameters) -> Recording:
    """Record 1 for each target that shows observekit's metrics, or did before it stopped to answer.

    It ends when the target answers without them, or is not to be scraped any more.
    """
    shown = max_by(present(ours(given), given.time(_SHOWN)), *TARGET)
    silent = where(now(samples(UP, *given.here)), "==", 0)
    return Recording(name=KNOWN, query=either(shown, both(_before(KNOWN, TARGET, given), silent, *TARGET)))


def seen_services(given: Parameters) -> Recording:
    """Record when a service last showed observekit's metrics, until it is long enough ago to be forgotten."""
    forgotten = given.seconds(given.forget_days * DAY)
    lately = where(_before(SEEN, JOB, given), ">", f"time() - {forgotten:.10g}")
    return Recording(name=SEEN, query=either(max_by(scraped_at(ours(given)), *JOB), lately))


def busy_services(given: Parameters) -> Recording:
    """Record how many requests came in the hour that ended 15 minutes ago, where they were 60 or more.

    Where none has come since, it stays what it was: the hour slides on, and would forget who is cut off.
    """
    requests = counts(REQUEST_DURATION, *given.here)
    silence = given.time(_SILENCE)
    hour = sum_by(increase(requests, given.time(HOUR), before=silence), *JOB)
    coming = where(sum_by(increase(requests, silence), *JOB), ">", 0)
    before = neither(_before(BUSY, JOB, given), coming, *JOB)
    busy = either(where(hour, ">=", _BUSY_HOUR), before)
    # Who is forgotten, and who never showed metrics of observekit, is not waited for.
    return Recording(name=BUSY, query=both(busy, seen_services(given).read(*given.here), *JOB))


def finished_jobs(given: Parameters) -> Recording:
    """Record when each declared job last ended well on any instance, or was first seen if it never has.

    A process that is replaced takes its series with it; what it has done is done all the same.
    """
    ended = now(samples(JOB_LAST_SUCCESS, *given.here))
    last = max_by(either(ended, _before(FINISHED, EACH_JOB, given)), *EACH_JOB)
    period = samples(JOB_PERIOD, *given.here)
    declared = max_by(present(period, given.time(_REMEMBERED)), *EACH_JOB)
    first = max_by(scraped_at(period), *EACH_JOB)
    return Recording(name=FINISHED, query=either(both(last, declared, *EACH_JOB), first))


def _before(name: str, labels: tuple[str, ...], given: Parameters) -> Vector:
    matchers = f"{{{','.join(map(str, given.here))}}}" if given.here else ""
    window = given.time(_REMEMBERED)
    return Vector(f"last_over_time({name}{matchers}[{window}])", frozenset(labels))
