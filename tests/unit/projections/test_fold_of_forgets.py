"""The fold of a forget (rule 4)."""

from projections import keyspace
from projections.outbox import (
    Erased,
    EventTombstone,
    PublicDocument,
    Withdrawal,
)
from projections.receipts import Tombstoned
from schemas.events import (
    DeletionTombstoned,
    ProfileForgotten,
)
from schemas.identity import claim_made_by
from tests.support.fold_inputs import NOBODY, tombstones
from tests.support.folding import (
    ACCOUNT,
    AT,
    Profiles,
    key,
    outputs,
    rows,
    upserted,
    user,
)


def forgotten(
    id_: str, uid: str = "ada", deletion: str = "d" * 24, spent: list[str] | None = None
) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=deletion, spent=spent or []
    )


def test_a_forget_leaves_nothing_but_what_must_be_remembered(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org", idempotency="1" * 32)
    profiles.put(upserted("ada", plan="gold", idempotency="2" * 32))

    profiles.put(forgotten(id_, spent=["2" * 32]))

    left = {row for row in rows(profiles.state) if row[:1] not in (b"O", b"M", b"Q")}
    assert left == {
        keyspace.forgotten(id_),
        keyspace.spent("2" * 32),
        keyspace.receipt("d" * 24),
        keyspace.deletion(ACCOUNT, AT, "d" * 24),
        keyspace.waiting(2, "d" * 24),
    }


def test_the_outputs_of_a_forget_leave_in_their_order(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org")
    profiles.put(upserted("ada", plan="gold"))

    made = profiles.made(forgotten(id_))

    # The record that creates the profile goes last: a replay that still finds it can name the rest.
    assert made == [
        Withdrawal(0, claim_made_by(key(0))),
        PublicDocument(id_, None, ACCOUNT),
        EventTombstone(key(1)),
        EventTombstone(key(0)),
        Erased("a" * 24, "d" * 24, 2),
    ]


def test_a_forget_erases_whatever_profile_the_user_has(profiles: Profiles) -> None:
    other = profiles.create("ada")

    made = profiles.made(forgotten(NOBODY, "ada"))

    assert profiles.state.read_by_id(other, ACCOUNT) is None
    assert [row.id for row in made if isinstance(row, PublicDocument)] == [NOBODY, other]
    assert tombstones(made) == [key(0)]


def test_a_profile_is_forgotten_once(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    profiles.put(forgotten(id_))
    back = profiles.create("ada")

    verdict = profiles.put(forgotten(id_, deletion="e" * 24))

    assert verdict.outcome == "missing"
    assert outputs(profiles.state, verdict.offset) == []
    assert profiles.state.receipt("e" * 24, ACCOUNT) is None
    assert profiles.document(back)


def test_a_user_who_comes_back_is_somebody_new(profiles: Profiles) -> None:
    id_ = profiles.create("ada", plan="gold")
    profiles.put(forgotten(id_))

    back = profiles.create("ada")

    assert back != id_
    assert "plan" not in profiles.document(back)


def test_a_late_repeat_of_the_forgotten_is_refused(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency="1" * 32)
    profiles.put(forgotten(id_, spent=["1" * 32]))

    verdict = profiles.put(upserted("ada", idempotency="1" * 32))

    assert verdict.outcome == "spent"
    assert outputs(profiles.state, verdict.offset) == [EventTombstone(key(2))]
    assert profiles.put(upserted("ada", idempotency="2" * 32)).outcome == "created"


def test_a_forget_that_finds_nobody_leaves_a_receipt(profiles: Profiles) -> None:
    profiles.put(forgotten(NOBODY))

    receipt = profiles.state.receipt("d" * 24, ACCOUNT)
    assert receipt is not None
    assert (receipt.profile, receipt.offset, receipt.erased) == (NOBODY, 0, [])


def test_a_receipt_names_the_offsets_that_were_erased(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    profiles.create("bob")
    profiles.put(upserted("ada"))

    profiles.put(forgotten(id_))

    receipt = profiles.state.receipt("d" * 24, ACCOUNT)
    assert receipt is not None
    assert (receipt.erased, receipt.events) == ([0, 2], 2)


def test_the_first_word_that_a_deletion_is_tombstoned_counts(profiles: Profiles) -> None:
    assert profiles.state.tombstoned("d" * 24) is None

    for n in (1, 2):
        profiles.put(DeletionTombstoned(account=ACCOUNT, at=AT + n, id="d" * 24, events=n))

    assert profiles.state.tombstoned("d" * 24) == Tombstoned(AT + 1, 1)
