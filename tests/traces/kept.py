"""What a kit that keeps errors and slow ones has decided, and what of it arrived."""

from typing import TYPE_CHECKING, Any

from observekit import Kit

if TYPE_CHECKING:
    from tests.traces.conftest import Collector


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def sent(kit: Kit, collector: "Collector") -> dict[str, str]:
    """End the kit, and return the spans that arrived with what they were sampled by."""
    kit.shutdown()
    return {span.name: attributes(span).get("observekit.sampled_by", "") for span in collector.spans()}


def decided(kit: Kit) -> dict[str, float]:
    families = {one.name: one for one in kit.registry.collect()}
    samples = families["observekit_traces_decided"].samples
    return {one.labels["decision"]: one.value for one in samples if one.value}
