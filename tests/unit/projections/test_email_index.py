"""Who holds which email (the docstring of `projections.email_index`, design "Email index")."""

import pytest

from projections import keyspace
from projections.email_index import Folded, waiting_tombstones
from projections.outbox import Release
from schemas.events import (
    EmailClaimed,
    EmailReleased,
    EmailWithdrawn,
    Place,
    decode_profile_event,
    encode,
)
from tests.support.folding import ACCOUNT, AT, Emails, Record, outputs, rows

ADA, BOB = "1" * 24, "2" * 24
EMAIL, OTHER = b"\xaa" * 16, b"\xbb" * 16
FIRST, SECOND, THIRD = b"1" * 32, b"2" * 32, b"3" * 32


@pytest.fixture
def emails() -> Emails:
    return Emails()


def claimed(id_: str, email: bytes = EMAIL) -> bytes:
    return encode(EmailClaimed(account=ACCOUNT, at=AT, email=email.hex(), id=id_))


def placed(id_: str, place: Place) -> bytes:
    return encode(EmailClaimed(account=ACCOUNT, at=AT, email=EMAIL.hex(), id=id_, place=place))


def withdrawn(place: Place) -> bytes:
    return encode(EmailWithdrawn(place))


def record_key(name: bytes, number: int) -> bytes:
    return name + b".%d" % number


def tombstones(emails: Emails) -> list[bytes]:
    """Keys of the records whose tombstones have still to leave, in order."""
    return [key for _, row in waiting_tombstones(emails.state.storage) for key in row.keys]


def releases(emails: Emails) -> list[tuple[str, str, str]]:
    """(profile, its claim, the claim that takes the email) of each release in the outbox."""
    found: list[tuple[str, str, str]] = []
    for row in outputs(emails.state):
        assert isinstance(row, Release)
        event = decode_profile_event(row.value)
        assert isinstance(event, EmailReleased)
        assert event.id == row.id
        found.append((event.id, event.claim, event.by))
    return found


def test_an_email_leads_to_who_claimed_it(emails: Emails) -> None:
    assert emails.put(FIRST, claimed(ADA)) == [Folded(FIRST, None)]
    assert emails.state.holder(EMAIL) == ADA
    assert emails.state.holder(OTHER) is None


def test_the_last_claim_holds_and_releases_the_one_before(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))

    assert emails.put(SECOND, claimed(BOB)) == [Folded(SECOND, FIRST)]
    assert emails.state.holder(EMAIL) == BOB
    assert releases(emails) == [(ADA, FIRST.decode(), SECOND.decode())]


def test_a_profile_does_not_release_itself(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))

    assert emails.put(SECOND, claimed(ADA)) == [Folded(SECOND, None)]
    assert releases(emails) == []


def test_each_claim_releases_the_one_just_before_it(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))
    emails.put(SECOND, claimed(BOB))
    emails.put(THIRD, claimed(ADA))

    assert releases(emails) == [
        (ADA, FIRST.decode(), SECOND.decode()),
        (BOB, SECOND.decode(), THIRD.decode()),
    ]


def test_a_claim_that_is_given_up_holds_nothing_and_leaves_nothing(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))

    assert emails.put(FIRST, None) == []
    assert emails.state.holder(EMAIL) is None
    assert not [row for row in rows(emails.state) if row[:1] in (b"E", b"K")]


def test_what_counts_is_the_last_claim_that_is_not_given_up(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))
    emails.put(SECOND, claimed(BOB))

    emails.put(SECOND, None)

    assert emails.state.holder(EMAIL) == ADA


def test_a_released_claim_is_given_up_behind_the_one_that_took_over(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))
    emails.put(SECOND, claimed(BOB))

    emails.put(FIRST, None)

    assert emails.state.holder(EMAIL) == BOB


def test_emails_do_not_mix(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))

    assert emails.put(SECOND, claimed(BOB, OTHER)) == [Folded(SECOND, None)]
    assert (emails.state.holder(EMAIL), emails.state.holder(OTHER)) == (ADA, BOB)


def test_a_tombstone_whose_claim_was_cleaned_away_settles_it(emails: Emails) -> None:
    assert emails.put(FIRST, None) == [Folded(FIRST, None, is_known=True)]


def test_a_claim_whose_release_has_left_before_names_nobody_to_release() -> None:
    emails = Emails(published=2)
    emails.put(FIRST, claimed(ADA))

    assert emails.put(SECOND, claimed(BOB)) == [Folded(SECOND, None)]
    assert releases(emails) == []


@pytest.mark.parametrize(("id_", "at"), [("nobody", AT), (BOB, -1), (BOB, 1 << 60)])
def test_a_claim_whose_release_could_not_be_folded_is_not_folded_itself(
    emails: Emails, id_: str, at: int
) -> None:
    claim = EmailClaimed(account=ACCOUNT, at=at, email=EMAIL.hex(), id=id_)

    with pytest.raises(ValueError, match="not a claim"):
        emails.put(FIRST, encode(claim))


def test_a_claim_that_is_set_aside_holds_nothing_and_gets_its_tombstone(emails: Emails) -> None:
    emails.state.set_aside = {0}

    assert emails.put(FIRST, claimed(ADA, b"")) == []
    assert tombstones(emails) == [FIRST]
    assert emails.put(SECOND, claimed(BOB)) == [Folded(SECOND, None)]


def test_a_claim_that_cannot_be_decoded_is_passed_over(emails: Emails) -> None:
    assert emails.put(FIRST, b"{") == []
    assert keyspace.undecoded(0) in rows(emails.state)
    assert emails.state.applied == 0


# ---------------------------------------------------------------------- repeats and withdrawals


def test_a_repeat_is_dropped_and_gets_a_tombstone(emails: Emails) -> None:
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 0)))
    emails.put(record_key(SECOND, 2), placed(BOB, (4, 1, 0)))

    again = emails.put(record_key(FIRST, 3), placed(ADA, (3, 7, 0)))

    assert again == [Folded(FIRST, None, is_known=True)]
    assert emails.state.holder(EMAIL) == BOB
    assert tombstones(emails) == [record_key(FIRST, 3)]


def test_places_are_compared_within_their_source(emails: Emails) -> None:
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 1)))

    assert emails.put(record_key(SECOND, 2), placed(BOB, (4, 7, 0))) == [Folded(SECOND, FIRST)]
    assert emails.put(record_key(THIRD, 3), placed(ADA, (3, 7, 2))) == [Folded(THIRD, SECOND)]


def test_a_withdrawal_removes_its_claim_whose_record_gets_a_tombstone(emails: Emails) -> None:
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 0)))
    emails.put(record_key(SECOND, 2), placed(BOB, (4, 1, 0)))

    assert emails.put(record_key(SECOND, 3), withdrawn((4, 2, 0))) == []

    assert emails.state.holder(EMAIL) == ADA
    assert tombstones(emails) == [record_key(SECOND, 2)]


def test_a_withdrawal_stands_for_the_watermark_until_a_later_record_of_its_source(
    emails: Emails,
) -> None:
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 0)))
    emails.put(record_key(FIRST, 2), withdrawn((3, 8, 0)))
    emails.put(record_key(SECOND, 3), placed(BOB, (4, 1, 0)))
    assert tombstones(emails) == [record_key(FIRST, 1)]

    emails.put(record_key(THIRD, 4), placed(ADA, (3, 9, 0)))

    assert tombstones(emails) == [record_key(FIRST, 1), record_key(FIRST, 2)]


def test_a_withdrawal_of_a_claim_that_was_cleaned_away_settles_it(emails: Emails) -> None:
    folded = emails.put(record_key(FIRST, 2), withdrawn((3, 8, 0)))

    assert folded == [Folded(FIRST, None, is_known=True)]
    assert tombstones(emails) == []


def test_a_claim_of_a_former_version_is_withdrawn_by_its_name(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))

    emails.put(record_key(FIRST, 1), withdrawn((3, 8, 0)))

    assert emails.state.holder(EMAIL) is None
    assert tombstones(emails) == [FIRST]


def test_a_tombstone_removes_the_claim_of_its_own_record_alone(emails: Emails) -> None:
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 0)))
    emails.put(record_key(FIRST, 2), placed(ADA, (3, 7, 0)))

    emails.put(record_key(FIRST, 2), None)
    assert emails.state.holder(EMAIL) == ADA

    emails.put(record_key(FIRST, 1), None)
    assert emails.state.holder(EMAIL) is None


def test_a_replay_makes_all_tombstones_again_and_no_release_below_the_progress() -> None:
    emails = Emails(published=100)
    emails.put(record_key(FIRST, 1), placed(ADA, (3, 7, 0)))
    emails.put(record_key(SECOND, 2), placed(BOB, (4, 1, 0)))
    emails.put(record_key(FIRST, 3), placed(ADA, (3, 7, 0)))

    assert releases(emails) == []
    assert tombstones(emails) == [record_key(FIRST, 3)]


@pytest.mark.parametrize("place", [(-1, 0, 0), (1 << 31, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_what_is_no_place_is_not_folded(emails: Emails, place: Place) -> None:
    with pytest.raises(ValueError, match="not the place"):
        emails.put(record_key(FIRST, 1), placed(ADA, place))


def test_holes_between_records_are_counted(emails: Emails) -> None:
    emails.put(FIRST, claimed(ADA))
    emails.put(SECOND, claimed(BOB))
    assert emails.state.holes == 0

    emails.state.apply([Record(5, THIRD, claimed(ADA)), Record(6, FIRST, None)])
    assert emails.state.holes == 1

    emails.state.advance(9)
    assert emails.state.holes == 2
