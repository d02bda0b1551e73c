"""Deletions as rows: what waits to be purged and until when, and each account's list."""

from hypothesis import given
from hypothesis import strategies as st

from projections import keyspace
from projections.deletions import (
    claims_left,
    count_waiting,
    drop_late,
    has_waiting,
    list_deletions,
    read_late,
    read_waiting,
    rows_left,
)
from schemas.events import DeletionPurged, ProfileForgotten, ProfileUpserted
from tests.support.folding import ACCOUNT, AT, Profiles, rows, upserted, user
from tests.support.memory_storage import MemoryStorage

DELETION = "d" * 24
NOBODY = "0" * 24


def forget(id_: str, uid: str = "ada", deletion: str = DELETION, at: int = AT) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=at, id=id_, user=user(uid).hex(), deletion=deletion, spent=["1" * 32]
    )


def purged(deletion: str = DELETION, at: int = AT, events: int = 1) -> DeletionPurged:
    return DeletionPurged(account=ACCOUNT, at=at, id=deletion, events=events)


def test_a_deletion_waits_with_all_that_the_purge_looks_for() -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", email="ada@example.org")
    claim = profiles.claim(id_)
    profiles.put(forget(id_))

    (waiting,) = read_waiting(profiles.state.storage)

    assert (waiting.id, waiting.account, waiting.requested_at) == (DELETION, ACCOUNT, AT)
    assert (waiting.offset, list(waiting.erased), list(waiting.ids)) == (1, [0], [id_])
    assert (waiting.user, list(waiting.claims)) == (user("ada"), [(0, claim)])


def test_the_first_event_that_says_purged_counts() -> None:
    profiles = Profiles()
    profiles.put(forget(profiles.create()))
    assert has_waiting(profiles.state.storage)

    for number in (1, 2):
        profiles.put(purged(at=AT + number, events=number))

    assert not has_waiting(profiles.state.storage)
    found = profiles.state.purged(DELETION)
    assert found is not None
    assert (found.at, found.events) == (AT + 1, 1)


def test_what_a_fold_leaves_to_purge_is_news_once() -> None:
    profiles = Profiles()
    id_ = profiles.create()
    assert not profiles.state.news_to_purge

    profiles.put(forget(id_))

    assert profiles.state.news_to_purge


def test_a_second_forget_of_a_profile_leaves_nothing_to_purge() -> None:
    profiles = Profiles()
    id_ = profiles.create()
    profiles.put(forget(id_))

    profiles.put(forget(id_, deletion="e" * 24))

    assert [one.id for one in read_waiting(profiles.state.storage)] == [DELETION]


def test_a_late_record_waits_with_whose_it_is() -> None:
    profiles = Profiles()
    id_ = profiles.create()
    profiles.put(forget(id_))
    profiles.put(ProfileUpserted(account=ACCOUNT, at=AT, id=id_, properties={"plan": "x"}))
    profiles.put(upserted("ada", idempotency="1" * 32))

    late = read_late(profiles.state.storage)

    assert late == {2: bytes.fromhex(id_), 3: user("ada")}
    drop_late(profiles.state.storage, [2, 3])
    assert read_late(profiles.state.storage) == {}


def test_deletions_that_wait_are_counted_with_the_first_and_the_last() -> None:
    profiles = Profiles()
    assert count_waiting(profiles.state.storage) is None
    for n, uid in enumerate("abc"):
        profiles.put(forget(profiles.create(uid), uid, f"{n}" * 24, AT + n))

    assert count_waiting(profiles.state.storage) == (3, AT, AT + 2)


def test_rows_of_a_deleted_profile_are_seen() -> None:
    profiles = Profiles()
    id_ = profiles.create()
    storage = profiles.state.storage
    document = rows(profiles.state)[keyspace.document(user("ada"))]
    profiles.put(forget(id_))
    (deletion,) = read_waiting(storage)
    assert not rows_left(storage, deletion)

    for key in (
        keyspace.user(id_),
        keyspace.history(id_, 0),
        keyspace.repeat(id_, "1" * 32),
    ):
        storage.write({key: b"x"})
        assert rows_left(storage, deletion)
        storage.write({key: None})
    storage.write({keyspace.document(user("ada")): document})
    assert rows_left(storage, deletion)


def test_who_came_back_does_not_hold_up_the_purge() -> None:
    profiles = Profiles()
    profiles.put(forget(profiles.create()))
    profiles.create()

    (deletion,) = read_waiting(profiles.state.storage)

    assert not rows_left(profiles.state.storage, deletion)


def test_rows_of_a_claim_are_seen() -> None:
    storage = MemoryStorage({keyspace.claim(b"1" * 32): b""})

    assert claims_left(storage, [b"2" * 32, b"1" * 32])
    assert not claims_left(storage, [b"2" * 32])


_times = st.integers(0, 1 << 45)
_listed = st.lists(st.tuples(_times, st.integers(0, 255)), unique=True, max_size=20)


@given(_listed, _times, _times)
def test_an_account_has_a_list_of_its_own_the_newest_first(
    made: list[tuple[int, int]], before: int, after: int
) -> None:
    rows = {keyspace.deletion(ACCOUNT, at, f"{n:024x}"): b"" for at, n in made}
    others = {keyspace.deletion("b" * 24, at, f"{n:024x}"): b"" for at, n in made}
    storage = MemoryStorage(rows | others)

    found = list(
        list_deletions(
            storage,
            ACCOUNT,
            before=keyspace.deletion(ACCOUNT, before - 1),
            after=keyspace.deletion(ACCOUNT, after),
        )
    )

    newest_first = sorted(made, key=lambda one: (-one[0], one[1]))
    assert [keyspace.deletion_id(key) for key in found] == [
        f"{n:024x}" for at, n in newest_first if after < at < before
    ]
