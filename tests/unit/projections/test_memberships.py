"""Who is a member of which company, and how a company that is gone is left (`projections.memberships`, rule 7)."""

from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from projections import keyspace
from projections.memberships import MemberCounts
from projections.outbox import EventTombstone, PublicDocument
from projections.profiles import ProfileState
from schemas import identity
from schemas.events import CompanyGone, CompanyLeft, ProfileEvent, ProfileForgotten, encode
from tests.support.folding import (
    ACCOUNT,
    AT,
    IDENTITY,
    Profiles,
    key,
    lasting,
    origin,
    placed,
    upserted,
    user,
)
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

ACME, OTHER = "a1" * 12, "b2" * 12


def gone(company: str = ACME) -> CompanyGone:
    return CompanyGone(account=ACCOUNT, at=AT, company=company)


def left(id_: str, company: str = ACME) -> CompanyLeft:
    return CompanyLeft(account=ACCOUNT, at=AT + 1, id=id_, company=company)


def forgotten(id_: str, uid: str = "ada", deletion: str = "d" * 24) -> ProfileForgotten:
    return ProfileForgotten(account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=deletion)


def test_a_member_is_found_under_its_company() -> None:
    profiles = Profiles()
    ids = {profiles.create(uid, company_id=ACME) for uid in ("ada", "bob")}
    profiles.create("eve", company_id=OTHER)

    assert set(profiles.state.members(ACME, 9)) == ids
    assert len(profiles.state.members(ACME, 1)) == 1


def test_who_moves_or_leaves_or_is_forgotten_is_found_there_no_more() -> None:
    profiles = Profiles()
    moves, leaves, ends = (profiles.create(uid, company_id=ACME) for uid in ("ada", "bob", "eve"))

    profiles.put(upserted("ada", company_id=OTHER))
    profiles.put(upserted("bob", company_id=None))
    profiles.put(forgotten(ends, "eve"))

    assert profiles.state.members(ACME, 9) == []
    assert profiles.state.members(OTHER, 9) == [moves]
    assert "company_id" not in profiles.document(leaves)


def test_a_member_leaves_a_company_that_is_gone() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", company_id=ACME, plan="gold")
    profiles.put(gone())

    (public,) = profiles.made(left(id_))

    assert "company_id" not in profiles.document(id_)
    assert profiles.document(id_)["plan"] == "gold"
    assert profiles.state.members(ACME, 9) == []
    assert isinstance(public, PublicDocument)
    assert public.value is not None
    assert b'"type":"profile-company-left"' in public.value
    assert b'"changed":["company_id"]' in public.value
    assert profiles.history(id_) == [key(0), key(2)]


def test_leaving_twice_or_after_a_move_changes_nothing_but_is_remembered() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", company_id=OTHER)
    before = profiles.document(id_)

    assert profiles.made(left(id_)) == []

    assert profiles.document(id_) == before
    assert profiles.history(id_) == [key(0), key(1)]


def test_a_record_that_finds_nobody_gets_its_tombstone() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", company_id=ACME)
    profiles.put(forgotten(id_))

    assert profiles.made(left(id_)) == [EventTombstone(key(2))]


def test_nobody_joins_a_company_that_is_gone() -> None:
    profiles = Profiles()
    alone, member = profiles.create("ada"), profiles.create("bob", company_id=OTHER)
    profiles.put(gone())

    profiles.put(upserted("ada", company_id=ACME))
    profiles.put(upserted("bob", company_id=ACME))
    new = profiles.create("eve", company_id=ACME)

    for id_ in (alone, member, new):
        assert "company_id" not in profiles.document(id_)
    assert profiles.state.members(ACME, 9) == profiles.state.members(OTHER, 9) == []
    assert profiles.state.joinable([ACME, OTHER]) == [OTHER]


def test_nobody_joins_it_after_a_restart_either() -> None:
    profiles = Profiles()
    profiles.put(gone())
    profiles.state = ProfileState(profiles.state.storage, origin("profile-events"), IDENTITY)

    assert "company_id" not in profiles.document(profiles.create("ada", company_id=ACME))


def test_a_member_who_names_its_company_again_still_has_to_leave_it() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", company_id=ACME)
    profiles.put(gone())

    profiles.put(upserted("ada", company_id=ACME))
    assert profiles.state.members(ACME, 9) == [id_]

    profiles.put(left(id_))
    assert profiles.state.members(ACME, 9) == []


def test_no_row_is_written_where_no_company_changes() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", company_id=ACME)
    storage = profiles.state.storage
    storage.write({keyspace.member(ACME, id_): None})

    profiles.put(upserted("ada", plan="gold"))
    profiles.put(upserted("ada", company_id=ACME))

    assert profiles.state.members(ACME, 9) == []


# --- whatever happens

_uids = st.sampled_from(["ada", "bob"])
_companies = st.sampled_from([ACME, OTHER])


def _id(uid: str, number: int) -> str:
    return identity.profile_id(int.from_bytes(user(uid)[:2]), key(number))


_ids = st.builds(_id, _uids, st.integers(0, 4))


def _joins(uid: str, company: str | None, *, says: bool) -> ProfileEvent:
    fields: dict[str, Any] = {"company_id": company} if says else {"plan": "gold"}
    return upserted(uid, **fields)


_events: st.SearchStrategy[ProfileEvent] = st.one_of(
    st.builds(_joins, _uids, st.none() | _companies, says=st.booleans()),
    st.builds(_joins, _uids, _companies, says=st.just(True)),
    st.builds(gone, _companies),
    st.builds(left, _ids, _companies),
    st.builds(forgotten, _ids, _uids),
)
_logs = st.lists(_events, max_size=20)


def folded(records: list[Record], cuts: list[int]) -> ProfileState:
    state = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        state.apply(records[start:stop])
    return state


@given(_logs, st.data())
def test_the_rows_are_the_documents_and_a_replay_gives_the_same_bytes(
    events: list[ProfileEvent], data: st.DataObject
) -> None:
    records = [Record(n, key(n), encode(event)) for n, event in enumerate(events)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=3)))

    state = folded(records, cuts)

    members = {
        (company, id_) for company in (ACME, OTHER) for id_ in state.members(company, len(records))
    }
    found = [state.read(user(uid), ACCOUNT) for uid in ("ada", "bob")]
    shown = {
        (profile.document()["company_id"], profile.id)
        for profile in found
        if profile is not None and "company_id" in profile.document()
    }
    assert members == shown
    again = folded(records, [])
    assert lasting(state) == lasting(again)
    assert placed(state) == placed(again)


@given(_logs)
def test_a_company_that_is_gone_is_empty_once_its_members_have_left(
    events: list[ProfileEvent],
) -> None:
    profiles = Profiles()
    for event in [*events, gone()]:
        profiles.put(event)

    for id_ in profiles.state.members(ACME, 9):
        profiles.put(left(id_))
    for event in events:
        profiles.put(event)

    assert profiles.state.members(ACME, 9) == []


UIDS = ("ada", "bob", "eve", "ida")
COMPANIES = (ACME, OTHER, "c3" * 12)
Step = Literal["read", "finish"] | tuple[str, str | None]
steps = st.sampled_from(["read", "finish"]) | st.tuples(
    st.sampled_from(UIDS), st.sampled_from((*COMPANIES, None, "forget", "gone"))
)


@given(st.lists(steps, max_size=30))
def test_members_are_counted_whatever_moves_while_they_are_read(steps: list[Step]) -> None:
    profiles = Profiles()
    ids = {uid: profiles.create(uid, company_id=ACME) for uid in UIDS[:3]}
    counts = profiles.state.member_counts = MemberCounts(profiles.state.storage, at_once=1)
    reading = counts.read()

    for number, step in enumerate(steps):
        match step:
            case "read":
                next(reading, None)
            case "finish":
                list(reading)
                assert counts.is_whole
            case uid, "forget":
                if uid in ids:
                    profiles.put(forgotten(ids.pop(uid), uid, f"{number:024x}"))
            case _, "gone":
                profiles.put(gone(OTHER))
                for id_ in profiles.state.members(OTHER, 9):
                    profiles.put(left(id_, OTHER))
            case uid, company:
                if (id_ := profiles.put(upserted(uid, company_id=company)).id) is not None:
                    ids[uid] = id_
    list(reading)

    for company in COMPANIES:
        assert counts.of([company]) == len(profiles.state.members(company, 9))
    assert counts.of(COMPANIES) == sum(counts.of([company]) for company in COMPANIES)
