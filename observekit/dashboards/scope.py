"""Which series a board is about: the job, instance and route chosen at its top."""

from typing import Final

from observekit.catalogue.metrics import TARGET_INFO
from observekit.dashboards.series import Matcher, Series, samples
from observekit.semconv import HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, WORKER, label

METHOD: Final = label(HTTP_REQUEST_METHOD)
ROUTE: Final = label(HTTP_ROUTE)
STATUS: Final = label(HTTP_RESPONSE_STATUS_CODE)

HERE: Final = (Matcher("job", "=~", "$job"), Matcher("instance", "=~", "$instance"))
"""The chosen processes."""

CHOSEN: Final = HERE[:1]
"""The chosen services."""

ON_WORKER: Final = (*HERE, Matcher(WORKER, "=~", "$worker"))
"""The chosen workers of the chosen processes; of a single process, which has no such label, All is it."""

OBJECTIVE: Final = (*CHOSEN, Matcher("slo", "=~", "$slo"))
"""The chosen objectives of the chosen services."""

ON_ROUTE: Final = (*HERE, Matcher(ROUTE, "=~", "$route"))
"""The chosen routes of the chosen processes."""

FAILED: Final = Matcher(STATUS, "=~", "5..")
"""Requests that the service itself failed; what a client did wrong is no error of the service."""

IDENTITY: Final[Series] = samples(TARGET_INFO, *HERE)
"""Who the chosen processes are."""
