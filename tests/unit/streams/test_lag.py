"""For how long something has waited (`streams.lag`)."""

import pytest

from streams import lag
from streams.lag import LagClock


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; a test sets it."""
    now = [100.0]
    monkeypatch.setattr(lag.time, "monotonic", lambda: now[0])
    return now


def test_the_first_that_waits_counts(at: list[float]) -> None:
    clock = LagClock()
    assert clock.seconds(0) == 0
    for offset, moment in [(4, 100.0), (9, 110.0), (12, 120.0)]:
        at[0] = moment
        clock.reached(offset)
    at[0] = 130.0

    assert clock.seconds(left_below=4) == 30
    assert clock.seconds(left_below=5) == 20
    assert clock.seconds(left_below=10) == 10
    assert clock.seconds(left_below=13) == 0


def test_what_comes_close_together_is_one_and_none_of_it_is_lost(at: list[float]) -> None:
    clock = LagClock()
    for offset in range(1000):
        at[0] += 0.001
        clock.reached(offset)
    at[0] = 200.0

    assert 98.9 < clock.seconds(left_below=0) < 100
    assert 98.9 < clock.seconds(left_below=999) <= 99.6
    assert clock.seconds(left_below=1000) == 0
