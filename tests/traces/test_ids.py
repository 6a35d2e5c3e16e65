"""Ids of traces and spans: everyone's own, whoever forks and whatever is seeded."""

import os
import random
from copy import copy

from observekit.traces.ids import SystemIds


def test_a_forked_child_makes_no_id_that_its_parent_makes() -> None:
    ids = SystemIds()
    ids.generate_trace_id()
    reader, writer = os.pipe()

    child = os.fork()
    if not child:
        os.write(writer, b"".join(ids.generate_span_id().to_bytes(8) for _ in range(500)))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()

    theirs = {int.from_bytes(told[place : place + 8]) for place in range(0, len(told), 8)}
    assert len(theirs) == 500
    assert theirs.isdisjoint(ids.generate_span_id() for _ in range(500))


def test_a_snapshot_holds_the_ids_of_a_few_requests_only() -> None:
    ids = SystemIds()
    ids.generate_trace_id()
    ids.pair()

    resumed = copy(ids), copy(ids)  # A virtual machine that is restored twice.
    for one in resumed:
        one._ready, one._pairs = list(ids._ready), list(ids._pairs)
    first, second = ({one.generate_span_id() for _ in range(500)} for one in resumed)
    pairs, others = ({one.pair() for _ in range(500)} for one in resumed)

    assert len(first & second) < 32
    assert len(pairs & others) < 11


def test_a_seed_of_the_application_has_no_say_in_ids() -> None:
    random.seed(42)
    first = SystemIds().generate_trace_id()
    random.seed(42)

    assert SystemIds().generate_trace_id() != first


def test_ids_use_all_of_their_bits() -> None:
    ids = SystemIds()

    traces = [ids.generate_trace_id() for _ in range(500)]
    spans = [ids.generate_span_id() for _ in range(500)]

    assert len({*traces}) == len({*spans}) == 500
    assert (max(traces).bit_length(), max(spans).bit_length()) == (128, 64)
