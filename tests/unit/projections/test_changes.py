"""The "changed" rows: whom the search index has to look at again."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from projections import changes, keyspace
from projections.changes import ChangedRows, Taken
from projections.profile import Profile
from schemas.events import ProfileCleared, ProfileEvent, ProfileForgotten, encode
from tests.support.folding import ACCOUNT, AT, Profiles, key, rows, upserted, user
from tests.support.memory_log import Record

_ids = st.lists(st.binary(min_size=12, max_size=12).map(bytes.hex), max_size=9)


@given(_ids)
def test_ids_come_out_as_they_went_in(ids: list[str]) -> None:
    assert changes.decode(changes.encode(ids)) == ids


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

        named = profiles.state.changed.take(1000).ids

        changed = {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}
        assert changed <= set(named)
        assert not profiles.state.changed.take(1000).keys


def test_rows_are_given_in_portions_and_again_until_they_are_dropped(profiles: Profiles) -> None:
    ids = [profiles.create(f"u{n}") for n in range(5)]

    first = profiles.state.changed.take(3)
    second = profiles.state.changed.take(3)
    profiles.state.changed.drop(first.keys, first.named)
    profiles.state.changed.look_again()

    assert (first.ids, second.ids) == (ids[:3], ids[3:])
    assert profiles.state.changed.take(9).keys == second.keys
    profiles.state.changed.drop_all()
    assert not profiles.state.changed.take(9).keys


def test_a_single_write_is_given_before_a_batch_and_once(profiles: Profiles) -> None:
    fold(profiles, [upserted(f"u{n}") for n in range(90)])
    fold(profiles, [upserted(f"w{n}") for n in range(90)])
    ada = profiles.create("ada")
    rows = profiles.state.changed

    first, second, third, fourth = (rows.take(50) for _ in range(4))

    assert (first.ids[0], first.early, len(first.ids)) == (ada, True, 91)
    assert (second.early, len(second.ids)) == (False, 90)
    assert third == fourth == Taken([], [], early=False, named=0)
    rows.drop(first.keys, first.named)
    rows.look_again()
    assert rows.take(50).keys == second.keys


def test_what_waits_is_counted_as_often_as_it_is_named(profiles: Profiles) -> None:
    for _ in range(2):
        fold(profiles, [upserted(f"u{n}") for n in range(5)])
    changed = profiles.state.changed
    assert changed.waiting == 10

    taken = changed.take(9)
    assert (len(taken.ids), taken.named, changed.waiting) == (5, 10, 10)
    profiles.create("ada")
    changed.drop(taken.keys, taken.named)
    assert changed.waiting == ChangedRows(profiles.state.storage).waiting == 1
    changed.drop_all()
    assert changed.waiting == 0


def test_who_is_erased_is_told_and_is_not_read_any_more(profiles: Profiles) -> None:
    ada, bob = profiles.create("ada"), profiles.create("bob")

    profiles.put(forgotten(ada, "ada"))

    assert profiles.state.erased == [ada]
    assert [profile.id for profile in profiles.state.read_all([ada, bob])] == [bob]
    assert list(profiles.state.ids()) == [bob]


def test_a_chunk_leaves_one_row(profiles: Profiles) -> None:
    fold(profiles, [upserted(f"u{n}") for n in range(50)])

    taken = profiles.state.changed.take(1)

    assert (taken.keys, len(taken.ids)) == ([keyspace.changed(49)], 50)
