"""What a collector has refused as too large is not tried again for a minute, and then once more."""

from math import ceil, log2

import pytest

from observekit.traces.room import Room

NOW = 1000.0
MEBIBYTE = 1 << 20
MOST = 1024


@pytest.mark.parametrize("limit", [1_000_000, 700_000, 524_289, 300_000, 70_000])
def test_a_limit_is_found_with_few_refusals_and_most_of_it_is_used_from_then_on(limit: int) -> None:
    room, refusals = Room(MEBIBYTE), 0

    for number in range(1000):  # Full batches, within a minute.
        if room.size > limit:
            refusals += 1
            room.refused(room.size, 10, NOW + number / 50)
        else:
            room.taken(NOW + number / 50)

    # One for each halving, and on the way back one for each half of what is left.
    halvings = ceil(log2(MEBIBYTE / limit))
    assert halvings <= refusals <= halvings + 3
    assert limit * 7 // 8 <= room.size <= limit


def test_after_a_minute_the_collector_may_have_another_limit() -> None:
    room = Room(MOST)
    room.refused(100, 10, NOW)

    for _ in range(10):
        room.taken(NOW + 59)
    before = room.size
    for _ in range(10):
        room.taken(NOW + 61)

    assert 87 <= before < 100
    assert room.size == MOST


def test_one_large_span_is_no_reason_to_wait_and_two_in_a_row_are() -> None:
    room = Room(MOST)

    told = [room.refused(2000, 1, NOW), room.refused(2000, 1, NOW)]
    room.taken(NOW)
    told.append(room.refused(2000, 1, NOW))

    assert told == [False, True, False]
    assert room.size == MOST
