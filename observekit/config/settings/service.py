"""What is set of the service as a whole: whether it is observed, who it is, how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from observekit.config.kinds import FLAG, OPTIONAL_TEXT, PAIRS, TEXT, number
from observekit.config.pairs import NOTHING
from observekit.config.setting import negated, resource, setting
from observekit.semconv import (
    DEPLOYMENT_ENVIRONMENT_NAME,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    VCS_REF_HEAD_REVISION,
)

UNKNOWN_SERVICE: Final = "unknown_service:python"
"""The name of a service that has none. Source: OpenTelemetry resource conventions, service.name."""


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Settings of all signals together."""

    __slots__ = ()

    enabled: bool = setting(
        True,
        FLAG,
        negated("OBSERVEKIT_DISABLED"),
        help="Off leaves the application exactly as it is.",
    )
    service_name: str = setting(
        UNKNOWN_SERVICE,
        TEXT,
        "OTEL_SERVICE_NAME",
        resource(SERVICE_NAME),
        help="Name of the service in every signal.",
    )
    service_namespace: str | None = setting(
        None, OPTIONAL_TEXT, resource(SERVICE_NAMESPACE), help="What the service belongs to."
    )
    service_version: str | None = setting(
        None, OPTIONAL_TEXT, resource(SERVICE_VERSION), help="Version of the service."
    )
    service_instance_id: str | None = setting(
        None,
        OPTIONAL_TEXT,
        resource(SERVICE_INSTANCE_ID),
        help="Unique for each process; made where not given.",
    )
    deployment_environment: str | None = setting(
        None,
        OPTIONAL_TEXT,
        resource(DEPLOYMENT_ENVIRONMENT_NAME),
        help="Where the service is deployed, like production.",
    )
    revision: str | None = setting(
        None, OPTIONAL_TEXT, resource(VCS_REF_HEAD_REVISION), help="Commit the service was built from."
    )
    resource_attributes: Mapping[str, str] = setting(
        NOTHING, PAIRS, "OTEL_RESOURCE_ATTRIBUTES", help="More facts about the service, on every span."
    )
    shutdown_budget_seconds: float = setting(
        # Source: orchestrators give a process 10 to 30 s to end; telemetry must not take half of that.
        5.0,
        number(0, 60, above=True),
        "OBSERVEKIT_SHUTDOWN_BUDGET",
        help="Time the last spans and log lines may take when the process ends.",
    )
