"""Jobs that nobody waits for, and whose absence nobody notices."""

from observekit.catalogue.operations import JOB_LAST_SUCCESS
from observekit.dashboards.conditions import JOB, seconds_since, where
from observekit.dashboards.promql import min_by
from observekit.dashboards.rules.durations import HOUR, MINUTE
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.series import samples


def jobs(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of jobs."""
    since = min_by(seconds_since(samples(JOB_LAST_SUCCESS, *given.here)), *JOB, "job_name")
    limit = given.job_hours * HOUR / given.rehearsal
    return (
        Alert(
            name="JobNotSucceeding",
            severity="warning",
            condition=where(since, ">", f"{limit:g}"),
            pending=given.time(10 * MINUTE),
            summary=f"A job has not succeeded for more than {given.job_hours:g} hours.",
            finding=(
                "{{ $labels.job }}: the job {{ $labels.job_name }} last succeeded "
                "{{ $value | humanizeDuration }} ago."
            ),
            checks=(
                "Whether it runs at all: the scheduler, and Operations by outcome on the service board.",
                "How it ended the last times: its log lines with outcome error.",
                "What it needs: the queue, the database, the file it waits for.",
            ),
            impact="What the job does is not done: mails, invoices, cleaning up.",
            remedy="Mend it and run it once by hand; see what has piled up meanwhile.",
            false_alarms={
                "a daily job": "A day and two hours leave room for one that takes longer than usual.",
                "one of two instances": "It is enough that one instance has done it.",
            },
            board="observekit-health",
        ),
    )
