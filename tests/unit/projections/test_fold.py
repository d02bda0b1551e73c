"""The rules of the fold, one by one (the docstring of `projections.fold`, design "Folding and relay")."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from projections import keyspace
from projections.fold import profile_upserted
from projections.history import HistoryType
from projections.outbox import (
    EventTombstone,
    PublicDocument,
    Withdrawal,
)
from projections.partition import Record as LogRecord
from projections.partition import fold_to_the_bad_one
from schemas.errors import Unfoldable
from schemas.events import (
    ProfileCleared,
    encode,
)
from schemas.identity import claim_made_by, profile_id
from tests.support.fold_inputs import NOBODY, cleared, released, tombstones
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
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

DAY_MS = 24 * 3600 * 1000


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


# ---------------------------------------------------------------------- below the progress


def test_what_has_left_is_not_made_again() -> None:
    profiles = Profiles(published=2)

    first = profiles.put(upserted("ada", email="a@example.org"))
    profiles.put(upserted("ada", email="b@example.org"))
    third = profiles.put(upserted("ada", email="c@example.org"))

    assert first.made is None
    assert third.made == claim_made_by(key(2))
    assert outputs(profiles.state) == outputs(profiles.state, 2)
    assert outputs(profiles.state, 2)[0] == Withdrawal(0, claim_made_by(key(1)))
