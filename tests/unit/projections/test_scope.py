"""A part of the log folds by itself to what the whole log gives of an account, or of a user."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.auditing.scope import AccountScope, UserScope
from schemas import identity
from schemas.events import (
    BatchOpened,
    CompanyGone,
    DeletionTombstoned,
    EmailClaimed,
    EventTracked,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
    encode,
)
from tests.support.folding import IDENTITY, Profiles, key, rows
from tests.support.memory_log import Record

ACCOUNTS = ("a" * 24, "b" * 24)
COMPANIES = {"a" * 24: "c" * 24, "b" * 24: "d" * 24}
UIDS = ("ada", "bob")
AT = 1_700_000_000_000


def _user(account: str, uid: str) -> bytes:
    return IDENTITY.uid_hash(account, uid)


def _id(account: str, uid: str, number: int) -> str:
    """The profile that the record with this number would create for the user."""
    return identity.profile_id(int.from_bytes(_user(account, uid)[:2]), key(number))


@st.composite
def _events(draw: st.DrawFn) -> ProfileEvent:
    account, uid = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(UIDS))
    common: dict[str, Any] = {"account": account, "at": AT}
    known = _id(account, uid, draw(st.integers(0, 6)))
    whom: dict[str, Any] = draw(st.sampled_from([{"uid": uid}, {"id": known}]))
    deletion = f"{draw(st.integers(0, 3)):024x}"
    match draw(st.integers(0, 7)):
        case 0 | 1:
            plan = {
                "plan": draw(st.integers(0, 3)),
                "company_id": draw(st.sampled_from([COMPANIES[account], None])),
            }
            return ProfileUpserted(**common, **whom, properties=plan)
        case 2:
            return EventTracked(**common, **whom, name="signed_up")
        case 3:
            return ProfileCleared(**common, id=known)
        case 4:
            user = _user(account, uid).hex()
            return ProfileForgotten(**common, id=known, user=user, deletion=deletion)
        case 5:
            return DeletionTombstoned(**common, id=deletion, events=1)
        case 6:
            return CompanyGone(**common, company=COMPANIES[account])
        case _:
            return BatchOpened(**common, id="b" * 24, fingerprint="f" * 32)


_logs = st.lists(_events(), max_size=15).map(
    lambda events: [Record(n, key(n), encode(event)) for n, event in enumerate(events)]
)


def _fold(log: list[Record]) -> Profiles:
    profiles = Profiles(published=1 << 62)
    profiles.state.apply(log)
    return profiles


@settings(deadline=None)
@given(_logs, st.sampled_from(ACCOUNTS), st.sampled_from(UIDS))
def test_a_users_part_gives_the_users_profile(log: list[Record], account: str, uid: str) -> None:
    scope = UserScope(IDENTITY, [account], uid)
    part = [record for record in log if scope.event(record.key, record.value or b"")]

    whole, own = _fold(log).state, _fold(part).state

    assert own.read(_user(account, uid), account) == whole.read(_user(account, uid), account)
    others = [row for row in rows(own) if row[:1] == b"D" and row[1:] != _user(account, uid)]
    assert others == []


@settings(deadline=None)
@given(_logs, st.sampled_from(ACCOUNTS))
def test_an_accounts_part_gives_all_of_its_profiles(log: list[Record], account: str) -> None:
    scope = AccountScope(account)
    part = [record for record in log if scope.event(record.key, record.value or b"")]

    whole, own = _fold(log).state, _fold(part).state

    for uid in UIDS:
        user = _user(account, uid)
        assert own.read(user, account) == whole.read(user, account)
    assert len([row for row in rows(own) if row[:1] == b"D"]) <= len(UIDS)


@pytest.mark.parametrize("value", [b"", b"{", b'{"type":"of-later"}', b"\xff"])
def test_what_cannot_be_decoded_is_about_nobody(value: bytes) -> None:
    user = UserScope(IDENTITY, ACCOUNTS, "ada")

    for scope in (user, AccountScope(ACCOUNTS[0])):
        assert not scope.event(key(0), value)
        assert not scope.claim(b"claim", value)


def test_claims_are_those_of_the_users_profile_until_it_is_forgotten() -> None:
    account = ACCOUNTS[0]
    scope = UserScope(IDENTITY, [account], "ada")
    id_ = _id(account, "ada", 0)
    claim = encode(EmailClaimed(account=account, at=AT, email="e" * 32, id=id_))
    created = encode(ProfileUpserted(account=account, at=AT, uid="ada"))
    forget = ProfileForgotten(
        account=account, at=AT, id=id_, user=_user(account, "ada").hex(), deletion="d" * 24
    )

    assert not scope.claim(b"claim", claim)
    assert scope.event(key(0), created)
    assert scope.claim(b"claim", claim)
    assert scope.event(key(1), encode(forget))
    assert not scope.claim(b"claim", claim)
    assert scope.forgotten == 1


def test_a_second_forget_of_one_profile_forgets_nobody_who_came_back() -> None:
    account = ACCOUNTS[0]
    scope = UserScope(IDENTITY, [account], "ada")
    created = encode(ProfileUpserted(account=account, at=AT, uid="ada"))
    forget = encode(
        ProfileForgotten(
            account=account,
            at=AT,
            id=_id(account, "ada", 0),
            user=_user(account, "ada").hex(),
            deletion="d" * 24,
        )
    )

    for number, value in enumerate([created, forget, created, forget]):
        assert scope.event(key(number), value)

    assert scope.forgotten == 1
    assert scope.event(
        key(4), encode(ProfileCleared(account=account, at=AT, id=_id(account, "ada", 2)))
    )
