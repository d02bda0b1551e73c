"""Tracked events: counted per profile and name, shown with the last ones, hidden by a clear, erased by a forget."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections import keyspace
from projections.outbox import EventTombstone, PublicDocument
from projections.profiles import ProfileState
from projections.tracking import KEPT
from schemas.events import EventTracked, ProfileCleared, ProfileEvent, ProfileForgotten, encode
from schemas.identity import tracked_id
from tests.support.folding import (
    ACCOUNT,
    AT,
    IDENTITY,
    Profiles,
    key,
    origin,
    outputs,
    rows,
    tracked,
    upserted,
    user,
)
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

NAMES = ("signed_up", "imported_leads")


def cleared(id_: str, at: int = AT) -> ProfileCleared:
    return ProfileCleared(account=ACCOUNT, at=at, id=id_)


def test_an_event_is_counted_and_kept(profiles: Profiles) -> None:
    id_ = profiles.create("ada")

    verdict = profiles.put(tracked("signed_up", at=AT + 5, plan="gold"))

    assert (verdict.outcome, verdict.id) == ("updated", id_)
    counter, (last,) = profiles.state.tracked(id_)["signed_up"]
    assert (counter.count, counter.first_at, counter.last_at) == (1, AT + 5, AT + 5)
    assert last.id == tracked_id(id_, key(verdict.offset))
    assert (last.at, last.properties) == (AT + 5, {"plan": "gold"})


def test_an_event_is_no_part_of_the_document(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    before = profiles.state.read_by_id(id_, ACCOUNT)

    assert profiles.made(tracked("signed_up", plan="gold")) == []
    assert profiles.state.read_by_id(id_, ACCOUNT) == before


def test_an_event_creates_a_profile_and_publishes_that(profiles: Profiles) -> None:
    (row,) = profiles.made(tracked("signed_up"))

    assert isinstance(row, PublicDocument)
    assert row.value is not None
    assert b'"event-tracked"' in row.value
    assert profiles.document(row.id)["uid"] == "ada"
    assert profiles.state.counters(row.id)["signed_up"].count == 1


def test_an_event_for_nobody_gets_its_tombstone_at_once(profiles: Profiles) -> None:
    made = profiles.made(tracked("signed_up", None, id="f" * 24))

    assert made == [EventTombstone(key(0))]


def test_a_repeat_is_not_counted(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    for _ in range(3):
        profiles.put(tracked("signed_up", idempotency="1" * 32))

    assert profiles.state.counters(id_)["signed_up"].count == 1
    assert len(profiles.history(id_)) == 4


def test_no_name_stands_in_a_key(profiles: Profiles) -> None:
    profiles.put(tracked("signed_up"))

    assert not any(b"signed" in row for row in rows(profiles.state))


def test_a_clear_hides_events_but_keeps_their_keys(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    profiles.put(tracked("signed_up"))

    profiles.put(cleared(id_))

    assert profiles.state.tracked(id_) == {}
    assert key(1) in profiles.history(id_)


def test_a_forget_erases_events_and_names_their_records(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    for name in NAMES:
        profiles.put(tracked(name))

    forgotten = ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user("ada").hex(), deletion="d" * 24
    )
    offset = profiles.put(forgotten).offset

    gone = [row.key for row in outputs(profiles.state, offset) if isinstance(row, EventTombstone)]
    assert gone == [key(2), key(1), key(0)]
    for bounds in (keyspace.counters(id_), keyspace.occurrences(id_)):
        assert list(profiles.state.storage.scan(*bounds)) == []


# ---------------------------------------------------------------------- against a plain model

_uids = st.sampled_from(["ada", "bob"])
_times = st.integers(AT, AT + 1000)
_said = st.lists(
    st.one_of(
        st.builds(tracked, st.sampled_from(NAMES), _uids, _times, n=st.integers(0, 9)),
        st.builds(upserted, _uids, _times, plan=st.integers(0, 9)),
        _uids,  # whose profile is cleared
    ),
    max_size=60,
)

Model = dict[str, dict[str, list[tuple[int, Any]]]]


def _log(said: list[ProfileEvent | str]) -> tuple[list[Record], Model]:
    """The records, and by user and name what they track: (time, properties), the newest last."""
    state = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)
    records: list[Record] = []
    model: Model = {}
    for offset, one in enumerate(said):
        event = one
        if isinstance(event, str):
            found = state.read(user(event), ACCOUNT)
            event = cleared("f" * 24 if found is None else found.id)
            model.pop(str(one), None)
        elif isinstance(event, EventTracked):
            names = model.setdefault(str(event.uid), {})
            names.setdefault(event.name, []).append((event.at, event.properties))
        records.append(Record(offset, key(offset), encode(event)))
        state.apply(records[-1:])
    return records, model


@settings(deadline=None)
@given(_said, st.sets(st.integers(0, 60)))
def test_counters_equal_a_plain_model_however_the_log_is_cut(
    said: list[ProfileEvent | str], cuts: set[int]
) -> None:
    records, model = _log(said)
    state = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)

    for start, stop in pairwise(sorted({0, len(records), *cuts})):
        state.apply(records[start:stop])

    for uid in ("ada", "bob"):
        profile = state.read(user(uid), ACCOUNT)
        found = {} if profile is None else state.tracked(profile.id)
        assert {
            name: (counter.count, counter.first_at, counter.last_at, _shown(last))
            for name, (counter, last) in found.items()
        } == {
            name: (len(events), events[0][0], events[-1][0], events[: -KEPT - 1 : -1])
            for name, events in model.get(uid, {}).items()
        }
        if profile is not None:
            assert {name: one.counter for name, one in found.items()} == state.counters(profile.id)


def _shown(last: list[Any]) -> list[tuple[int, Any]]:
    return [(occurrence.at, occurrence.properties) for occurrence in last]
