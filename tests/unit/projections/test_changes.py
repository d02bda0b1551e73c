"""The "changed" rows: whom the search index has to look at again."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import changes, keyspace
from projections.profile import Profile
from schemas.events import ProfileCleared, ProfileEvent, ProfileForgotten, encode
from tests.support.folding import ACCOUNT, AT, Profiles, key, rows, upserted, user
from tests.support.memory_log import Record

_ids = st.lists(st.binary(min_size=12, max_size=12).map(bytes.hex), max_size=9)


@given(_ids)
def test_ids_come_out_as_they_went_in(ids: list[str]) -> None:
    assert changes.decode(changes.encode(ids)) == ids


@pytest.fixture
def profiles() -> Profiles:
    return Profiles()


def forgotten(id_: str, uid: str) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion="d" * 24, spent=[], events=0
    )


def fold(profiles: Profiles, events: Sequence[ProfileEvent]) -> None:
    """Fold events as one chunk."""
    start = profiles.state.applied + 1
    profiles.state.apply([Record(n, key(n), encode(it)) for n, it in enumerate(events, start)])


def documents(profiles: Profiles) -> dict[str, bytes]:
    """All profiles by id, as they are stored."""
    stored = {row[1:]: value for row, value in rows(profiles.state).items() if row[:1] == b"D"}
    return {Profile.decode(who, value).id: value for who, value in stored.items()}


UIDS = ("ada", "bob", "eve")
_uids = st.sampled_from(UIDS)
_steps = st.lists(
    st.lists(st.tuples(st.sampled_from(["upsert", "clear", "forget"]), _uids), max_size=6),
    max_size=6,
)


@given(_steps)
def test_whoever_is_not_as_before_is_named(chunks: list[list[tuple[str, str]]]) -> None:
    profiles = Profiles()
    for number, chunk in enumerate(chunks):
        before = documents(profiles)
        found = {uid: profiles.state.read(user(uid), ACCOUNT) for uid in UIDS}
        ids = {uid: profile.id for uid, profile in found.items() if profile is not None}
        events: list[ProfileEvent] = []
        for kind, uid in chunk:
            if kind == "upsert":
                events.append(upserted(uid, n=number))
            elif uid in ids:
                cleared = ProfileCleared(account=ACCOUNT, at=AT, id=ids[uid])
                events.append(cleared if kind == "clear" else forgotten(ids[uid], uid))
        fold(profiles, events)
        after = documents(profiles)

        _, named = profiles.state.take_changed(1000)

        changed = {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}
        assert changed <= set(named)
        assert profiles.state.take_changed(1000) == ([], [])


def test_rows_are_given_in_portions_and_again_until_they_are_dropped(profiles: Profiles) -> None:
    ids = [profiles.create(f"u{n}") for n in range(5)]

    first, some = profiles.state.take_changed(3)
    second, others = profiles.state.take_changed(3)
    profiles.state.drop_changed(first)
    profiles.state.look_at_all_changed()

    assert (some, others) == (ids[:3], ids[3:])
    assert profiles.state.take_changed(9) == (second, others)
    profiles.state.drop_all_changed()
    profiles.state.look_at_all_changed()
    assert profiles.state.take_changed(9) == ([], [])


def test_who_is_erased_is_told_and_is_not_read_any_more(profiles: Profiles) -> None:
    ada, bob = profiles.create("ada"), profiles.create("bob")

    profiles.put(forgotten(ada, "ada"))

    assert profiles.state.erased == [ada]
    assert [profile.id for profile in profiles.state.read_all([ada, bob])] == [bob]
    assert list(profiles.state.ids()) == [bob]


def test_a_chunk_leaves_one_row(profiles: Profiles) -> None:
    fold(profiles, [upserted(f"u{n}") for n in range(50)])

    keys, ids = profiles.state.take_changed(1)

    assert (keys, len(ids)) == ([keyspace.changed(49)], 50)
