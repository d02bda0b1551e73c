"""What a log has lost, told from what a forget explains (`projections.auditing.lost_records`)."""

from projections import keyspace
from projections.auditing.differences import Difference
from projections.auditing.lost_records import LostRecords
from tests.support.memory_storage import MemoryStorage

ADA, BOB = "0a" * 12, "0b" * 12


def unlogged(profile: str | None, offset: int | None) -> Difference:
    return Difference("history", "not in the log", profile=profile, offset=offset)


def test_rows_that_the_log_lacks_are_counted_with_the_offsets_of_their_records() -> None:
    lost = LostRecords()
    for difference in (unlogged(ADA, 7), unlogged(ADA, 3), unlogged(BOB, 5), unlogged(None, None)):
        lost.add(difference)

    assert (lost.rows, lost.first, lost.last) == (4, 3, 7)


def test_what_a_forget_further_on_in_the_log_explains_is_not_lost() -> None:
    lost = LostRecords()
    for difference in (unlogged(ADA, 7), unlogged(BOB, 5)):
        lost.add(difference)
    replay = MemoryStorage()
    replay.write({keyspace.forgotten(ADA): b"9"})

    lost.leave_out_forgotten(replay)

    assert (lost.rows, lost.first, lost.last) == (1, 5, 5)


def test_nothing_is_lost_where_a_forget_explains_everything() -> None:
    lost = LostRecords()
    lost.add(unlogged(ADA, 7))
    replay = MemoryStorage()
    replay.write({keyspace.forgotten(ADA): b"9"})

    lost.leave_out_forgotten(replay)

    assert (lost.rows, lost.first, lost.last) == (0, None, None)
