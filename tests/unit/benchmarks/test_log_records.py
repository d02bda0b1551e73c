"""The made-up log of the benchmark is what the service writes."""

from typing import Final

import pytest

from benchmarks.email_records import LogRecord
from benchmarks.log_records import Log, make_log
from projections.email_index import EmailState, waiting_tombstones
from projections.outbox import Claim, Withdrawal
from projections.profiles import ProfileState
from schemas.events import EmailClaimed, EmailWithdrawn, decode_email_record, encode
from schemas.identity import claim_name
from tests.support.folding import IDENTITY, origin
from tests.support.memory_storage import MemoryStorage

COUNT: Final = 20_000


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log(IDENTITY, COUNT)


def record_of(row: Claim | Withdrawal, offset: int, number: int) -> tuple[bytes, bytes]:
    """The name and the value under which a row of the outbox leaves."""
    place = (0, offset, number)
    if isinstance(row, Withdrawal):
        return row.name, encode(EmailWithdrawn(place))
    claim = decode_email_record(row.value)
    assert isinstance(claim, EmailClaimed)
    return row.name, encode(
        EmailClaimed(claim.account, claim.at, claim.email, claim.id, place=place)
    )


def with_value(records: list[LogRecord]) -> list[tuple[bytes, bytes]]:
    return [(claim_name(each.key), each.value) for each in records if each.value is not None]


def test_claims_and_withdrawals_are_those_of_the_outbox(log: Log) -> None:
    profiles = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)
    profiles.resume(0)

    profiles.apply(log.events)

    outputs = profiles.placed_outbox_from((0, 0))
    assert with_value(log.emails) == [
        record_of(row, *at) for at, row in outputs if isinstance(row, Claim | Withdrawal)
    ]


def test_tombstones_are_those_of_the_email_index(log: Log) -> None:
    emails = EmailState(MemoryStorage(), origin("profile-emails"))
    emails.resume(len(log.emails))

    emails.apply(log.emails)

    tombstones = [each.key for each in log.emails if each.value is None]
    waiting = [key for _, row in waiting_tombstones(emails.storage) for key in row.keys]
    assert tombstones == waiting
    assert len(tombstones) > 2 * COUNT * 0.03


def test_each_record_has_a_key_of_its_own_and_the_next_offset(log: Log) -> None:
    for records in (log.events, log.emails):
        keys = [each.key for each in records if each.value is not None]
        assert len(set(keys)) == len(keys)
        assert [each.offset for each in records] == list(range(len(records)))
