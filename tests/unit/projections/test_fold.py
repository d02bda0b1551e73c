"""The rules of the fold, one by one (the docstring of `projections.fold`, design "Folding and relay")."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from projections import keyspace
from projections.fold import profile_upserted
from projections.history import HistoryType
from projections.outbox import (
    Claim,
    ClaimTombstone,
    Erased,
    EventTombstone,
    OutboxRow,
    PublicDocument,
)
from projections.partition import Record as LogRecord
from projections.partition import fold_to_the_bad_one
from projections.profiles import ProfileState
from projections.receipts import Tombstoned
from schemas.errors import Unfoldable
from schemas.events import (
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    ProfileCleared,
    ProfileForgotten,
    decode_record,
    encode,
)
from schemas.identity import Identity, claim_key, profile_id
from tests.support.folding import (
    ACCOUNT,
    AT,
    IDENTITY,
    Profiles,
    key,
    origin,
    outputs,
    rows,
    upserted,
    user,
)
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

NOBODY = "0" * 24
DAY_MS = 24 * 3600 * 1000


def cleared(id_: str) -> ProfileCleared:
    return ProfileCleared(account=ACCOUNT, at=AT, id=id_)


def released(id_: str, claim: bytes | None) -> EmailReleased:
    named = "0" * 32 if claim is None else claim.decode()
    return EmailReleased(account=ACCOUNT, at=AT, id=id_, claim=named, by="f" * 32)


def forgotten(
    id_: str, uid: str = "ada", deletion: str = "d" * 24, spent: list[str] | None = None
) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=deletion, spent=spent or []
    )


def kinds(made: list[OutboxRow]) -> list[type]:
    return [type(row) for row in made]


def tombstones(made: list[OutboxRow]) -> list[bytes]:
    return [row.key for row in made if isinstance(row, EventTombstone)]


@pytest.fixture
def profiles() -> Profiles:
    return Profiles()


# ---------------------------------------------------------------------- who is meant


def test_a_uid_not_seen_before_creates_a_profile_named_for_the_event(profiles: Profiles) -> None:
    verdict = profiles.put(upserted("ada"))

    slot = int.from_bytes(user("ada")[:2])
    assert (verdict.outcome, verdict.id) == ("created", profile_id(slot, key(0)))
    found = profiles.state.read(user("ada"), ACCOUNT)
    assert found is not None
    assert found.id == verdict.id


def test_a_uid_seen_before_updates_its_profile(profiles: Profiles) -> None:
    id_ = profiles.create("ada", plan="free")

    verdict = profiles.put(upserted("ada", plan="gold"))

    assert (verdict.outcome, verdict.id) == ("updated", id_)
    assert profiles.document(id_)["plan"] == "gold"


def test_a_number_and_its_text_are_one_user_shown_as_last_sent(profiles: Profiles) -> None:
    id_ = profiles.create(18821)

    assert profiles.put(upserted("18821")).id == id_
    assert profiles.document(id_)["uid"] == "18821"


def test_an_id_updates_but_does_not_create(profiles: Profiles) -> None:
    id_ = profiles.create("ada")

    assert profiles.put(upserted(None, id=id_, plan="gold")).outcome == "updated"
    assert profiles.put(upserted(None, id=NOBODY)).outcome == "missing"


# ---------------------------------------------------------------------- what a write changes


def test_a_property_that_is_unset_is_gone_and_null_stays(profiles: Profiles) -> None:
    id_ = profiles.create("ada", plan="gold", role="admin")

    profiles.put(upserted("ada", unset=["plan"], role=None))

    document = profiles.document(id_)
    assert "plan" not in document
    assert document["role"] is None


def test_one_as_a_number_and_true_are_different_values(profiles: Profiles) -> None:
    profiles.create("ada", flag=1)

    (public,) = profiles.made(upserted("ada", flag=True))

    assert isinstance(public, PublicDocument)
    assert public.value is not None
    assert msgspec.json.decode(public.value)["changed"] == ["flag"]


def test_a_company_of_null_ends_the_membership(profiles: Profiles) -> None:
    id_ = profiles.create("ada", company_id="c" * 24)

    profiles.put(upserted("ada", company_id=None))

    assert "company_id" not in profiles.document(id_)


def test_a_clear_resets_what_the_browser_told_and_draws_a_new_percent(profiles: Profiles) -> None:
    id_ = profiles.create("ada", browser_x=1280, plan="gold")
    before = profiles.document(id_)

    profiles.put(cleared(id_))

    after = profiles.document(id_)
    assert (after["browser_x"], after["plan"]) == (None, "gold")
    assert after["percent"] != before["percent"]
    assert "last_cleared_at" in after


def test_the_public_document_is_the_stored_one_with_its_event(profiles: Profiles) -> None:
    (public,) = profiles.made(upserted("ada", plan="gold"))

    assert isinstance(public, PublicDocument)
    assert public.value is not None
    said = msgspec.json.decode(public.value)
    assert said["profile"] == profiles.document(public.id)
    assert said["event"]["id"] == key(0).decode()
    assert said["changed"] == ["plan"]


def test_a_document_over_its_limit_is_refused_and_its_record_accounted_for(
    profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_upserted, "MAX_DOCUMENT_BYTES", 400)
    id_ = profiles.create("ada")

    verdict = profiles.put(upserted("ada", note="x" * 400))

    assert (verdict.outcome, verdict.id) == ("too_large", id_)
    assert "note" not in profiles.document(id_)
    assert profiles.history(id_) == [key(0), key(1)]
    assert tombstones(profiles.made(upserted("bob", note="x" * 400))) == [key(2)]


# ---------------------------------------------------------------------- repeats


def test_a_repeat_changes_nothing_but_is_remembered(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency="1" * 32, plan="free")
    profiles.put(upserted("ada", plan="gold"))
    before = profiles.document(id_)

    verdict = profiles.put(upserted("ada", idempotency="1" * 32, plan="free"))

    assert (verdict.outcome, verdict.id) == ("duplicate", id_)
    assert profiles.document(id_) == before
    assert outputs(profiles.state, verdict.offset) == []


def test_a_repeat_of_an_email_names_the_claim_that_may_be_on_its_way(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency="1" * 32, email="a@example.org")

    verdict = profiles.put(upserted("ada", idempotency="1" * 32, email="a@example.org"))

    assert (verdict.outcome, verdict.claim, verdict.made) == (
        "duplicate",
        profiles.claim(id_),
        None,
    )


@pytest.mark.parametrize(("later", "outcome"), [(DAY_MS - 1, "duplicate"), (DAY_MS, "updated")])
def test_a_repeat_counts_for_a_day_by_the_times_of_the_events(
    profiles: Profiles, later: int, outcome: str
) -> None:
    profiles.create("ada", idempotency="1" * 32)

    assert profiles.put(upserted("ada", AT + later, idempotency="1" * 32)).outcome == outcome


def test_users_do_not_share_idempotency_ids(profiles: Profiles) -> None:
    profiles.create("ada", idempotency="1" * 32)

    assert profiles.put(upserted("bob", idempotency="1" * 32)).outcome == "created"


# ---------------------------------------------------------------------- 1: every record is accounted for


def test_every_record_of_a_profile_leaves_its_key(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency="1" * 32, email="a@example.org")
    profiles.put(upserted("ada", idempotency="1" * 32))
    profiles.put(upserted(None, id=id_))
    profiles.put(cleared(id_))
    profiles.put(released(id_, None))
    profiles.put(released(id_, profiles.claim(id_)))

    assert [(entry.key, entry.type) for entry in profiles.entries(id_)] == [
        (key(0), HistoryType.UPSERTED),
        (key(1), HistoryType.DUPLICATE),
        (key(2), HistoryType.UPSERTED),
        (key(3), HistoryType.CLEARED),
        (key(4), HistoryType.RELEASED),
        (key(5), HistoryType.RELEASED),
    ]


@pytest.mark.parametrize(
    "event", [upserted(None, id=NOBODY), cleared(NOBODY), released(NOBODY, None)]
)
def test_a_record_that_meets_no_profile_gets_its_tombstone_at_once(
    profiles: Profiles, event: ProfileCleared
) -> None:
    assert profiles.made(event) == [EventTombstone(key(0))]


def test_a_release_tells_of_its_claim_even_when_nobody_is_there(profiles: Profiles) -> None:
    assert profiles.put(released(NOBODY, b"1" * 32)).lost == b"1" * 32


def test_a_record_that_cannot_be_decoded_is_counted_and_passed_over(profiles: Profiles) -> None:
    profiles.state.apply([Record(0, key(0), b"{"), Record(1, key(1), b'{"type":"unheard-of"}')])

    assert profiles.state.undecoded == 2
    assert {keyspace.undecoded(0), keyspace.undecoded(1)} <= rows(profiles.state).keys()
    assert profiles.create("ada")


def test_a_record_that_is_set_aside_is_passed_over_and_gets_its_tombstone(
    profiles: Profiles,
) -> None:
    profiles.state.set_aside = {0}
    profiles.state.apply([Record(0, key(0), encode(upserted("ada", at=-1)))])

    assert outputs(profiles.state) == [EventTombstone(key(0))]
    assert keyspace.late(0) in rows(profiles.state)
    assert profiles.put(upserted("ada")).outcome == "created"


def test_what_stands_before_a_record_that_cannot_be_folded_is_folded(profiles: Profiles) -> None:
    times = (AT, AT, -1, AT)
    records = [Record(n, key(n), encode(upserted("ada", at=at))) for n, at in enumerate(times)]

    with pytest.raises(Unfoldable) as stop:
        fold_to_the_bad_one(profiles.state, records, profiles.state.apply)

    assert (stop.value.partition, stop.value.offset, stop.value.kind) == (0, 2, "error")
    assert profiles.state.applied == 1
    profiles.state.set_aside = {2}
    fold_to_the_bad_one(profiles.state, records, profiles.state.apply)
    assert profiles.state.applied == 3


def test_what_fails_once_a_record_is_folded_is_no_fault_of_the_record(profiles: Profiles) -> None:
    def fold_and_fail(records: Sequence[LogRecord]) -> None:
        profiles.state.apply(records)
        raise KeyError

    with pytest.raises(KeyError):
        fold_to_the_bad_one(
            profiles.state, [Record(0, key(0), encode(upserted("ada")))], fold_and_fail
        )

    assert profiles.state.applied == 0


def test_a_storage_that_fails_is_no_fault_of_a_record(profiles: Profiles) -> None:
    class Full(MemoryStorage):
        def write(self, rows: Mapping[bytes, bytes | None]) -> None:  # noqa: ARG002 - the storage's signature
            raise OSError(28, "no space left")

    profiles.state.storage = Full()

    with pytest.raises(OSError, match="no space left"):
        fold_to_the_bad_one(
            profiles.state, [Record(0, key(0), encode(upserted("ada")))], profiles.state.apply
        )


def test_a_tombstone_is_passed_over(profiles: Profiles) -> None:
    assert profiles.state.apply([Record(0, key(0), None)]) == []
    assert profiles.state.applied == 0


# ---------------------------------------------------------------------- 2: claims


def test_an_email_is_claimed_by_a_key_of_its_own(profiles: Profiles) -> None:
    claim, public = profiles.made(upserted("ada", email="a@example.org"))

    assert isinstance(claim, Claim)
    assert isinstance(public, PublicDocument)
    said = decode_record(claim.value, EmailClaimed)
    assert claim.key == claim_key(key(0)) == profiles.claim(public.id)
    assert said.email == IDENTITY.email_hash(ACCOUNT, "a@example.org").hex()
    assert said.id == public.id


def test_another_email_gives_the_old_claim_up_and_makes_one(profiles: Profiles) -> None:
    profiles.create("ada", email="a@example.org")

    given_up, claim, _ = profiles.made(upserted("ada", email="b@example.org"))

    assert given_up == ClaimTombstone(0, claim_key(key(0)))
    assert isinstance(claim, Claim)
    assert claim.key == claim_key(key(1))


@pytest.mark.parametrize("gone", [upserted("ada", email=None), upserted("ada", unset=["email"])])
def test_no_email_any_more_gives_the_claim_up(profiles: Profiles, gone: ProfileCleared) -> None:
    id_ = profiles.create("ada", email="a@example.org")

    made = profiles.made(gone)

    assert made[0] == ClaimTombstone(0, claim_key(key(0)))
    assert kinds(made) == [ClaimTombstone, PublicDocument]
    assert profiles.claim(id_) is None


def test_a_claim_that_may_stand_under_a_former_hash_is_given_up_there_too() -> None:
    identity = Identity(b"k" * 32, 64)
    state = ProfileState(MemoryStorage(), origin("profile-events"), identity)
    state.resume(0)
    email = "weiß@example.org"
    for number, event in enumerate((upserted("ada", email=email), upserted("ada", email=None))):
        state.apply([Record(number, key(number), encode(event))])

    given_up = [row for row in outputs(state, 1) if isinstance(row, ClaimTombstone)]

    assert {row.key for row in given_up} == {claim_key(key(0))}
    assert {row.partition for row in given_up} == {
        identity.partition_of_hash(digest) for digest in identity.email_hashes(ACCOUNT, email)
    }
    assert len(given_up) == 2


def test_nothing_but_another_email_claims(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org")

    for event in (
        upserted("ada", email="a@example.org"),
        upserted("ada", email=" A@EXAMPLE.ORG"),
        upserted("ada", plan="gold"),
        cleared(id_),
    ):
        assert kinds(profiles.made(event)) == [PublicDocument]
    assert profiles.claim(id_) == claim_key(key(0))


def test_a_verdict_tells_the_claims_to_wait_for(profiles: Profiles) -> None:
    first = profiles.put(upserted("ada", email="a@example.org"))
    same = profiles.put(upserted("ada", email="a@example.org"))
    other = profiles.put(upserted("ada", plan="gold"))
    gone = profiles.put(upserted("ada", email=None))

    assert (first.claim, first.made) == (claim_key(key(0)), claim_key(key(0)))
    assert (same.claim, same.made) == (claim_key(key(0)), None)
    assert (other.claim, other.made) == (None, None)
    assert (gone.claim, gone.made) == (None, None)


# ---------------------------------------------------------------------- 3: releases


def test_a_release_of_the_current_claim_takes_the_email(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org")
    claim = profiles.claim(id_)

    verdict = profiles.put(released(id_, claim))

    assert (verdict.outcome, verdict.lost) == ("updated", claim)
    assert profiles.document(id_)["email"] is None
    assert claim is not None
    made = outputs(profiles.state, verdict.offset)
    assert made[0] == ClaimTombstone(0, claim)
    assert kinds(made) == [ClaimTombstone, PublicDocument]


def test_a_release_of_an_earlier_claim_takes_nothing(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org")
    earlier = profiles.claim(id_)
    profiles.put(upserted("ada", email=None))
    profiles.put(upserted("ada", email="a@example.org"))

    verdict = profiles.put(released(id_, earlier))

    assert (verdict.outcome, verdict.lost) == ("done", earlier)
    assert profiles.document(id_)["email"] == "a@example.org"
    assert outputs(profiles.state, verdict.offset) == []


# ---------------------------------------------------------------------- 4: forgetting


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
        ClaimTombstone(0, claim_key(key(0))),
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


# ---------------------------------------------------------------------- below the progress


def test_what_has_left_is_not_made_again() -> None:
    profiles = Profiles(published=2)

    first = profiles.put(upserted("ada", email="a@example.org"))
    profiles.put(upserted("ada", email="b@example.org"))
    third = profiles.put(upserted("ada", email="c@example.org"))

    assert first.made is None
    assert third.made == claim_key(key(2))
    assert outputs(profiles.state) == outputs(profiles.state, 2)
    assert outputs(profiles.state, 2)[0] == ClaimTombstone(0, claim_key(key(1)))
