"""The fold of emails: claims (rule 2) and releases (rule 3)."""

import pytest

from projections.outbox import (
    Claim,
    OutboxRow,
    PublicDocument,
    Withdrawal,
)
from projections.profiles import ProfileState
from schemas.events import (
    EmailClaimed,
    ProfileCleared,
    decode_record,
    encode,
)
from schemas.identity import Identity, claim_made_by
from tests.support.fold_inputs import cleared, released
from tests.support.folding import (
    ACCOUNT,
    IDENTITY,
    Profiles,
    key,
    origin,
    outputs,
    upserted,
)
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage


def kinds(made: list[OutboxRow]) -> list[type]:
    return [type(row) for row in made]


def test_an_email_is_claimed_by_a_key_of_its_own(profiles: Profiles) -> None:
    claim, public = profiles.made(upserted("ada", email="a@example.org"))

    assert isinstance(claim, Claim)
    assert isinstance(public, PublicDocument)
    said = decode_record(claim.value, EmailClaimed)
    assert claim.name == claim_made_by(key(0)) == profiles.claim(public.id)
    assert said.email == IDENTITY.email_hash(ACCOUNT, "a@example.org").hex()
    assert said.id == public.id


def test_another_email_gives_the_old_claim_up_and_makes_one(profiles: Profiles) -> None:
    profiles.create("ada", email="a@example.org")

    given_up, claim, _ = profiles.made(upserted("ada", email="b@example.org"))

    assert given_up == Withdrawal(0, claim_made_by(key(0)))
    assert isinstance(claim, Claim)
    assert claim.name == claim_made_by(key(1))


@pytest.mark.parametrize("gone", [upserted("ada", email=None), upserted("ada", unset=["email"])])
def test_no_email_any_more_gives_the_claim_up(profiles: Profiles, gone: ProfileCleared) -> None:
    id_ = profiles.create("ada", email="a@example.org")

    made = profiles.made(gone)

    assert made[0] == Withdrawal(0, claim_made_by(key(0)))
    assert kinds(made) == [Withdrawal, PublicDocument]
    assert profiles.claim(id_) is None


def test_a_claim_that_may_stand_under_a_former_hash_is_given_up_there_too() -> None:
    identity = Identity(b"k" * 32, 64)
    state = ProfileState(MemoryStorage(), origin("profile-events"), identity)
    state.resume(0)
    email = "weiß@example.org"
    for number, event in enumerate((upserted("ada", email=email), upserted("ada", email=None))):
        state.apply([Record(number, key(number), encode(event))])

    given_up = [row for row in outputs(state, 1) if isinstance(row, Withdrawal)]

    assert {row.name for row in given_up} == {claim_made_by(key(0))}
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
    assert profiles.claim(id_) == claim_made_by(key(0))


def test_a_verdict_tells_the_claims_to_wait_for(profiles: Profiles) -> None:
    first = profiles.put(upserted("ada", email="a@example.org"))
    same = profiles.put(upserted("ada", email="a@example.org"))
    other = profiles.put(upserted("ada", plan="gold"))
    gone = profiles.put(upserted("ada", email=None))

    assert (first.claim, first.made) == (claim_made_by(key(0)), claim_made_by(key(0)))
    assert (same.claim, same.made) == (claim_made_by(key(0)), None)
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
    assert made[0] == Withdrawal(0, claim)
    assert kinds(made) == [Withdrawal, PublicDocument]


def test_a_release_of_an_earlier_claim_takes_nothing(profiles: Profiles) -> None:
    id_ = profiles.create("ada", email="a@example.org")
    earlier = profiles.claim(id_)
    profiles.put(upserted("ada", email=None))
    profiles.put(upserted("ada", email="a@example.org"))

    verdict = profiles.put(released(id_, earlier))

    assert (verdict.outcome, verdict.lost) == ("done", earlier)
    assert profiles.document(id_)["email"] == "a@example.org"
    assert outputs(profiles.state, verdict.offset) == []
