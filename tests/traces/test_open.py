"""How many spans have begun and not ended is on the page, and those that nobody ends take little memory."""

import asyncio
import gc
import os
import weakref
from collections.abc import AsyncIterator, Callable

import pytest
from opentelemetry import trace

from observekit import Kit

pytestmark = pytest.mark.once

Begin = Callable[..., Kit]


def opened(kit: Kit) -> float | None:
    return kit.registry.get_sample_value("observekit_spans_open")


def test_a_span_is_open_from_its_begin_to_its_first_end(begin: Begin) -> None:
    kit, tracer = begin(), trace.get_tracer("theirs")

    outer, inner = tracer.start_span("outer"), tracer.start_span("inner")
    both = opened(kit)
    inner.end()
    inner.end()

    assert (both, opened(kit)) == (2.0, 1.0)
    outer.end()
    assert opened(kit) == 0.0


def test_spans_that_are_not_recorded_are_not_counted(begin: Begin) -> None:
    kit = begin(traces_sampler="always_off")

    trace.get_tracer("theirs").start_span("unseen")

    assert opened(kit) == 0.0


def test_abandoned_streams_stay_counted_up_to_a_limit_and_their_spans_are_let_go(begin: Begin) -> None:
    kit, tracer = begin(), trace.get_tracer("theirs")
    seen: list[weakref.ref[trace.Span]] = []

    async def stream() -> AsyncIterator[int]:
        span = tracer.start_span("stream")
        seen.append(weakref.ref(span))
        yield 1
        span.end()

    async def abandon() -> None:
        for _ in range(16_500):
            await anext(stream())

    asyncio.run(abandon())
    gc.collect()

    assert opened(kit) == 16_384.0
    assert [one() for one in seen if one() is not None] == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_none_of_its_parents(begin: Begin) -> None:
    kit = begin()
    span = trace.get_tracer("theirs").start_span("of the parent")
    child = os.fork()
    if not child:
        os._exit(int(opened(kit) or 0))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert opened(kit) == 1.0
    span.end()
