"""What leaves a partition, together with what, and after what (the docstring of `streams.partition.relay`)."""

import pytest

from projections import keyspace
from projections.outbox import (
    Erased,
    Release,
    Withdrawal,
)
from schemas.errors import Unavailable
from schemas.events import (
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    EmailWithdrawn,
    decode_email_record,
    decode_profile_event,
    encode,
)
from streams.log.transactions import PublicationFailed
from streams.partition import relay
from streams.partition.relay import LostProgress
from tests.support.folding import ACCOUNT, IDENTITY
from tests.support.hand_loop import complete
from tests.support.relaying import (
    ADA,
    TOPICS,
    Partition,
    claim,
    document,
    gone,
    tombstone,
    withdrawn,
)

# ---------------------------------------------------------------------- start


def test_the_former_owner_is_fenced_before_the_progress_is_read() -> None:
    assert Partition().kafka.said == ["init", "read"]


def test_a_first_start_says_that_nothing_is_published() -> None:
    partition = Partition()
    partition.kafka.said.clear()

    partition.start(None)

    assert partition.kafka.said == ["init", "read", "commit progress=0"]


def test_applied_events_without_progress_are_refused() -> None:
    partition = Partition((0, [document()]))

    with pytest.raises(LostProgress, match="remove the folder `state` only if"):
        partition.start(None)


def test_what_has_left_is_dropped_at_the_start() -> None:
    partition = Partition((3, [document()]), (4, [document()]), (5, [document()]), progress=4)

    assert partition.left() == [4, 5]
    assert partition.state.published == 4


# ---------------------------------------------------------------------- together


def test_nothing_to_publish_is_nothing_to_do() -> None:
    partition = Partition()

    assert not complete(partition.relay.step())


def test_rows_leave_in_order_and_in_one_transaction_with_the_progress() -> None:
    partition = Partition((3, [withdrawn("old"), claim("new"), document()]), (7, [document()]))

    assert partition.steps() == [
        "commit progress=0",
        "append old=withdrawn new",
        "commit 1111 1111 progress=8",
    ]
    assert partition.left() == []
    assert partition.state.published == 8


def test_records_go_to_their_topics_and_partitions() -> None:
    partition = Partition((3, [claim("claim", 5), Withdrawal(6, b"old"), document()]))
    partition.steps()

    assert [record[:2] for record in partition.kafka.appended] == [
        (TOPICS.emails, 5),
        (TOPICS.emails, 6),
    ]
    assert [record[:2] for record in partition.kafka.transactions[-1]] == [
        (TOPICS.profiles, 0),
        (TOPICS.progress, TOPICS.progress_partition(TOPICS.events, 0)),
    ]


def test_rows_stay_until_they_are_committed() -> None:
    partition = Partition((3, [claim("new"), document()]))
    partition.kafka.fails = True

    with pytest.raises(PublicationFailed):
        partition.step()
    assert partition.left() == [3, 3]

    partition.kafka.fails = False
    partition.start(0)
    assert partition.steps() == ["commit progress=0", "append new", "commit 1111 progress=4"]


def test_a_commit_whose_answer_was_lost_is_not_repeated() -> None:
    partition = Partition((3, [claim("new"), document()]), (4, [document()]))
    partition.kafka.fails = True
    with pytest.raises(PublicationFailed):
        partition.step()
    partition.kafka.fails = False

    partition.start(4)

    assert partition.steps() == ["commit 1111 progress=5"]


def test_what_is_folded_later_leaves_later() -> None:
    partition = Partition((3, [document()]))
    partition.steps()
    partition.fold(4, claim("new"))

    assert partition.steps() == ["append new", "commit progress=5"]


def test_claims_that_were_not_acknowledged_hold_everything_back_and_are_sent_again() -> None:
    partition = Partition((3, [claim("new"), document()]))
    partition.step()  # the proof and the claim; then the document
    partition.fold(4, claim("next"), document())
    partition.kafka.fails = True
    with pytest.raises(Unavailable):
        partition.step()
    partition.kafka.fails = False

    partition.start(4)

    assert partition.steps() == ["commit progress=4", "append next", "commit 1111 progress=5"]


def test_claims_go_ahead_of_what_was_folded_before_them() -> None:
    partition = Partition((3, [document()]), (4, [claim("new"), document()]))

    complete(partition.relay.send_claims(4))

    assert partition.kafka.said[2:] == ["commit progress=0", "append new"]
    assert partition.steps() == ["commit 1111 1111 progress=5"]


def test_each_claim_has_its_place_and_a_key_of_its_own() -> None:
    partition = Partition((3, [withdrawn("old"), claim("new"), document()]))
    complete(partition.relay.send_claims(3))
    partition.start(0)
    partition.steps()

    first, again = partition.kafka.appended[:2], partition.kafka.appended[2:]
    assert [value for *_, value in first] == [value for *_, value in again]
    places = [decode_email_record(value or b"") for *_, value in first]
    assert places[0] == EmailWithdrawn((0, 3, 0))
    assert isinstance(places[1], EmailClaimed)
    assert places[1].place == (0, 3, 1)
    assert len({key for _, _, key, _ in partition.kafka.appended}) == 4


def test_after_a_hole_a_claim_waits_for_a_proof() -> None:
    partition = Partition((3, [claim("new")]))
    partition.steps()
    partition.state.holes += 1
    partition.fold(5, claim("next"))

    assert partition.steps() == ["commit progress=4", "append next", "commit progress=6"]


def test_a_transaction_holds_whole_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "ROWS", 3)
    partition = Partition(*((n, [claim(f"c{n}"), document()]) for n in range(3)))

    assert partition.steps() == [
        "commit progress=0",
        "append c0 c1",
        "commit 1111 progress=1",
        "append c2",
        "commit 1111 progress=2",
        "commit 1111 progress=3",
    ]


def test_an_event_with_more_rows_than_fit_leaves_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "ROWS", 3)
    many = [claim(f"c{n}") for n in range(7)]
    partition = Partition((0, [document()]), (1, many), (2, [document()]))

    assert partition.steps() == [
        "commit progress=0",
        "append c0 c1 c2 c3 c4 c5 c6",
        "commit 1111 progress=1",
        "commit progress=2",
        "commit 1111 progress=3",
    ]


def test_documents_of_the_forgotten_are_left_out() -> None:
    partition = Partition((3, [claim("new"), document()]), (4, [document("2" * 24)]), (5, [gone()]))
    partition.state.storage.write({keyspace.forgotten(ADA): b""})
    partition.state.last_forget = 5

    assert partition.steps() == [
        "commit progress=0",
        "append new",
        "commit 2222 1111=null progress=6",
    ]


# ---------------------------------------------------------------------- one after the other


def test_tombstones_leave_when_all_before_them_is_committed() -> None:
    partition = Partition(
        (3, [document()]), (4, [withdrawn("c"), gone(), tombstone("a"), tombstone("b")])
    )

    # Until the tombstones are there the progress stays at their own event.
    assert partition.step() == [
        "commit progress=0",
        "append c=withdrawn",
        "commit 1111 1111=null progress=4",
    ]
    assert partition.left() == [4, 4, 4, 4]
    assert partition.step() == ["tombstone a", "tombstone b"]
    assert partition.left() == [4, 4, 4, 4]
    assert partition.step() == ["commit progress=5"]
    assert partition.left() == []


def test_the_progress_passes_tombstones_with_the_next_transaction() -> None:
    partition = Partition((4, [gone(), tombstone("a")]), (5, [document()]))

    assert partition.steps() == [
        "commit 1111=null progress=4",
        "tombstone a",
        "commit 1111 progress=6",
    ]


def test_tombstones_alone_need_no_transaction_before_them() -> None:
    partition = Partition((4, [tombstone("a")]), (5, [tombstone("b")]))

    assert partition.steps() == ["tombstone a", "tombstone b", "commit progress=6"]


def test_tombstones_that_were_not_acknowledged_are_sent_again() -> None:
    partition = Partition((4, [gone(), tombstone("a"), tombstone("b")]))
    partition.step()
    partition.kafka.fails = True
    with pytest.raises(PublicationFailed):
        partition.step()
    partition.kafka.fails = False

    partition.start(4)

    assert partition.steps() == [
        "commit 1111=null progress=4",
        "tombstone a",
        "tombstone b",
        "commit progress=5",
    ]


def test_more_tombstones_than_rows_leave_one_part_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "ROWS", 3)
    partition = Partition((4, [gone(), *(tombstone(f"t{n}") for n in range(9))]), (5, [document()]))

    said = partition.steps()

    assert said == [
        "commit 1111=null progress=4",
        *(f"tombstone t{n}" for n in range(9)),
        "commit 1111 progress=6",
    ]


def test_a_deletion_is_said_to_be_tombstoned_when_all_its_tombstones_are_there() -> None:
    deletion = "d" * 24
    partition = Partition(
        (4, [gone(), tombstone("a"), tombstone("b"), Erased(ACCOUNT, deletion, 2)]),
        (5, [tombstone("c")]),
    )

    assert partition.steps() == [
        "commit 1111=null progress=4",
        "tombstone a",
        "tombstone b",
        "tombstone c",
        "DeletionTombstoned",
        "commit progress=6",
    ]
    topic, number, _, value = partition.kafka.appended[-1]
    assert value is not None
    said = decode_profile_event(value)
    assert isinstance(said, DeletionTombstoned)
    assert (topic, number, said.id, said.events) == (TOPICS.events, 0, deletion, 2)


def test_a_release_goes_to_the_partition_of_its_profile_under_a_fresh_key() -> None:
    value = encode(EmailReleased(account=ACCOUNT, at=0, id=ADA, claim="c", by="d"))
    partition = Partition((4, [Release(ADA, value), Release(ADA, value)]))
    partition.steps()

    (first, second) = partition.kafka.appended
    assert first[:2] == second[:2] == (TOPICS.events, IDENTITY.partition_of_id(ADA))
    assert (first[3], second[3]) == (value, value)
    assert first[2] != second[2]
