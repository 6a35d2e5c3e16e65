"""A collector that fails is asked later and later, when it wants to be, and gently once it is back."""

from observekit.traces.pace import Pace

NOW = 1000.0


def waits(pace: Pace, failures: int, after: float | None = None) -> list[float]:
    """Return the seconds to wait after each of so many failures in a row."""
    found = []
    for _ in range(failures):
        pace.failed(NOW, after)
        found.append(pace.not_before - NOW)
    return found


def test_each_failure_waits_longer_up_to_four_seconds_and_never_as_long_as_another_process() -> None:
    first = waits(Pace(), 8)

    assert 0.25 <= first[0] <= 0.5
    assert all(wait <= 4.0 for wait in first)
    assert all(wait >= 2.0 for wait in first[4:])
    assert waits(Pace(), 8) != first


def test_a_collector_is_not_asked_before_it_wants_to_be() -> None:
    pace = Pace()

    assert all(30.0 < wait <= 34.0 for wait in waits(pace, 5, 30.0))
    assert pace.asked


def test_requests_follow_each_other_faster_and_faster_when_the_collector_is_back() -> None:
    pace = Pace()
    waits(pace, 3)

    gaps = []
    for _ in range(12):
        pace.succeeded(NOW)
        gaps.append(pace.not_before - NOW)

    assert 1.0 <= gaps[0] <= 2.0
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0.0
    assert (pace.failing, pace.asked) == (False, False)


def test_a_collector_that_never_failed_is_not_waited_for() -> None:
    pace = Pace()

    pace.succeeded(NOW)

    assert pace.not_before == NOW
