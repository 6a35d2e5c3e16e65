"""What a collector has refused as too large is not tried again for a minute, and then once more."""

from observekit.traces.room import Room

NOW = 1000.0
MOST = 1024


def test_a_request_may_grow_again_but_not_to_what_was_refused() -> None:
    room = Room(MOST)

    assert not room.refused(1000, 10, NOW)
    sizes = [room.size]
    for _ in range(3):
        room.taken(NOW + 1)
        sizes.append(room.size)

    assert sizes == [500, 999, 999, 999]


def test_after_a_minute_the_collector_may_have_another_limit() -> None:
    room = Room(MOST)
    room.refused(100, 10, NOW)

    room.taken(NOW + 59)
    before = room.size
    for _ in range(10):
        room.taken(NOW + 61)

    assert (before, room.size) == (99, MOST)


def test_one_large_span_is_no_reason_to_wait_and_two_in_a_row_are() -> None:
    room = Room(MOST)

    told = [room.refused(2000, 1, NOW), room.refused(2000, 1, NOW)]
    room.taken(NOW)
    told.append(room.refused(2000, 1, NOW))

    assert told == [False, True, False]
    assert room.size == MOST
