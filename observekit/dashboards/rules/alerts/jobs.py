"""Jobs that nobody waits for, and whose absence nobody notices."""

from typing import Final

from observekit.catalogue.operations import JOB_PERIOD
from observekit.dashboards.conditions import age, beyond
from observekit.dashboards.promql import max_by, now, scaled
from observekit.dashboards.rules.durations import MINUTE
from observekit.dashboards.rules.known import EACH_JOB, finished_jobs
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.series import samples

# Source: two hours and a bit of a day, which is what a nightly job may take longer when there is much to do.
_ROOM: Final = 1.1


def jobs(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of jobs."""
    since = age(finished_jobs(given).read(*given.here))
    allowed = scaled(given.seconds(_ROOM), max_by(now(samples(JOB_PERIOD, *given.here)), *EACH_JOB))
    return (
        Alert(
            name="JobNotSucceeding",
            severity="warning",
            condition=beyond(since, allowed),
            pending=given.time(10 * MINUTE),
            summary="A job has not succeeded for more than 1.1 times its period.",
            finding=(
                "{{ $labels.job }}: the job {{ $labels.job_name }} last succeeded, or was first seen, "
                "{{ $value | humanizeDuration }} ago, which is longer than its every_seconds."
            ),
            checks=(
                "Whether it runs at all: the scheduler, and 'Operations by outcome' on the service board.",
                "How it ended the last times: its log lines with outcome error.",
                "What it needs: the queue, the database, the file it waits for.",
            ),
            impact="What the job does is not done: mails, invoices, cleaning up.",
            remedy="Mend it and run it once by hand; see what has piled up meanwhile.",
            false_alarms={
                "a job that takes longer": "A tenth of the period is room for more work than usual.",
                "one of two instances": "It is enough that one instance has done it.",
                "a restart": "The last success is kept in what is recorded, beyond the life of the process.",
                "an operation without a period": "Only what says every_seconds is expected to come again.",
                "a job that is gone": "Nothing is expected of what no instance declares any more.",
            },
            board="observekit-health",
        ),
    )
