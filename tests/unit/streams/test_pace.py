"""Work that nobody waits for goes behind requests."""

from streams.pace import Pace


def test_work_rests_for_as_long_as_it_worked_beside_requests_only() -> None:
    pace = Pace()
    assert pace.rest(0.01) == 0
    pace.requested()
    assert pace.rest(0.01) == 0.01
