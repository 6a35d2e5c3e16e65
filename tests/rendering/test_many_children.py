"""A metric with very many children is written in steps, and each step looks at few of them."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest

from observekit.metrics.foreign import ClientMetrics

CHILDREN = 2000
# Far more than a step may look at, far fewer than there are.
FEW = 100


class Watched(dict[Any, Any]):
    """Children that know how often they were looked at."""

    looked_at = 0

    def get(self, key: Any, default: Any = None) -> Any:
        self.looked_at += 1
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.looked_at += 1
        return super().__contains__(key)


def counter(registry: CollectorRegistry) -> tuple[Counter, Watched]:
    made = Counter("parts_total", "h", ["number"], registry=registry)
    for number in range(CHILDREN):
        made.labels(str(number)).inc(number)
    made._metrics = watched = Watched(made._metrics)
    return made, watched


def steps(client: ClientMetrics, metric: Counter, watched: Watched) -> tuple[str, int]:
    """Write *metric*; return its text, and the most children that were looked at in one step."""
    blocks, most, before = [], 0, watched.looked_at
    for block in client.blocks(metric, "text"):
        blocks.append(block)
        most, before = max(most, watched.looked_at - before), watched.looked_at
    return "".join(blocks), max(most, watched.looked_at - before)


def test_a_step_looks_at_few_children() -> None:
    registry = CollectorRegistry()
    metric, watched = counter(registry)

    text, most = steps(ClientMetrics(), metric, watched)

    assert text.encode() == generate_latest(registry)
    assert 0 < most <= FEW


def test_the_text_of_removed_children_is_forgotten_in_steps() -> None:
    registry, client = CollectorRegistry(), ClientMetrics()
    metric, watched = counter(registry)
    steps(client, metric, watched)
    for number in range(CHILDREN - 1):
        watched.pop((str(number),))

    text, most = steps(client, metric, watched)
    kept = client._kept[metric]

    assert text.encode() == generate_latest(registry)
    assert (most <= FEW, list(kept._heads)) == (True, [(str(CHILDREN - 1),)])
    assert [len(blocks) for blocks in kept._blocks.values()] == [1]


def test_children_that_go_while_a_page_is_made_are_left_out() -> None:
    registry = CollectorRegistry()
    metric, _ = counter(registry)
    blocks = ClientMetrics().blocks(metric, "text")
    first = [next(blocks) for _ in range(5)]

    metric.clear()
    text = "".join([*first, *blocks])

    assert 0 < text.count("parts_total{") < CHILDREN
