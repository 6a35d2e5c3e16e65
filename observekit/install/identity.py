"""Who this process is, the same in every signal."""

import os
import socket
from uuid import NAMESPACE_OID, uuid5

from observekit.catalogue.metrics import TARGET_INFO
from observekit.config import Config
from observekit.metrics.workers.kin import start_by
from observekit.semconv import (
    DEPLOYMENT_ENVIRONMENT_NAME,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    VCS_REF_HEAD_REVISION,
    label,
)


def instance_id(start: str | None) -> str:
    """Return the id that all workers of a service *start* have, or of the start that this process may be."""
    start = start_by(os.getpid()).name if start is None else start
    return str(uuid5(NAMESPACE_OID, f"{socket.gethostname()} {start}"))


def resource(config: Config, start: str | None = None) -> dict[str, str]:
    """Return the resource attributes; an instance id is made where none is configured."""
    known = {
        SERVICE_NAME: config.service_name,
        SERVICE_NAMESPACE: config.service_namespace,
        SERVICE_VERSION: config.service_version,
        SERVICE_INSTANCE_ID: config.service_instance_id or instance_id(start),
        DEPLOYMENT_ENVIRONMENT_NAME: config.deployment_environment,
        VCS_REF_HEAD_REVISION: config.revision,
    }
    return {
        **config.resource_attributes,
        **{name: value for name, value in known.items() if value is not None},
    }


def target_info(attributes: dict[str, str]) -> tuple[str, ...]:
    """Return the label values of ``target_info``, in the order of its spec; empty where not known."""
    by_label = {label(name): value for name, value in attributes.items()}
    return tuple(by_label.get(name, "") for name in TARGET_INFO.labels)
