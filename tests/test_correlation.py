"""Fields are added to the current request and to no other, and never more than there is room for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from opentelemetry.context import attach, detach

from observekit.correlation import FIELD_LIMIT, Fields, annotate, with_fields


def annotated(**given: object) -> Fields:
    """Return the fields of a request in which *given* was annotated, one name at a time."""
    fields: Fields = {}
    token = attach(with_fields(fields))
    for name, value in given.items():
        annotate(**{name: value})
    detach(token)
    return fields


def test_outside_of_a_request_nothing_happens() -> None:
    annotate(order="a-12")

    assert annotated() == {}


def test_a_later_value_wins() -> None:
    fields: Fields = {}
    token = attach(with_fields(fields))
    annotate(order="a-12", items=1)
    annotate(items=2)
    detach(token)

    assert fields == {"order": "a-12", "items": 2}


def test_fields_beyond_the_limit_are_counted() -> None:
    fields = annotated(**{f"field_{number}": number for number in range(FIELD_LIMIT + 3)})

    assert fields == {f"field_{number}": number for number in range(FIELD_LIMIT)} | {"fields_left_out": 3}


def test_a_field_that_is_called_like_the_count_does_not_break_it() -> None:
    fields = annotated(
        fields_left_out="mine", **{f"field_{number}": number for number in range(FIELD_LIMIT + 1)}
    )

    assert (len(fields), fields["fields_left_out"]) == (FIELD_LIMIT, 2)


def test_threads_and_tasks_reach_the_request_they_belong_to() -> None:
    async def request(name: str) -> Fields:
        fields: Fields = {}
        token = attach(with_fields(fields))
        annotate(**{f"{name}_before": 1})
        await asyncio.gather(child(name), asyncio.to_thread(annotate, **{f"{name}_thread": 1}))
        detach(token)
        return fields

    async def child(name: str) -> None:
        await asyncio.sleep(0)
        annotate(**{f"{name}_task": 1})

    async def both() -> list[Fields]:
        return list(await asyncio.gather(request("a"), request("b")))

    assert asyncio.run(both()) == [
        {f"{name}_{place}": 1 for place in ("before", "task", "thread")} for name in ("a", "b")
    ]


def test_many_threads_may_annotate_at_once() -> None:
    fields: Fields = {}
    token = attach(with_fields(fields))
    contexts = [copy_context() for _ in range(50)]
    detach(token)

    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(one.run, lambda name=f"field_{place}": annotate(**{name: 1}))
            for place, one in enumerate(contexts)
        ]
    for one in done:
        one.result()

    assert len(fields) == 50
