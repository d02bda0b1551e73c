"""A fold is a function of the log: however it is cut, repeated or resumed, the same bytes come out."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.email_index import EmailState
from projections.outbox import Claim, Erased, EventTombstone, PublicDocument, Release
from projections.profile import Header, Profile, split
from projections.profiles import ProfileState
from schemas import identity
from schemas.events import (
    ENCODER,
    BatchOpened,
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    encode,
)
from tests.support.folding import (
    ACCOUNT,
    AT,
    IDENTITY,
    key,
    lasting,
    origin,
    placed,
    rows,
    tracked,
    upserted,
    user,
)
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

USERS = ("ada", "bob")
EMAILS = ("a@example.org", " A@example.org", "b@example.org", None)


def _id(uid: str, number: int) -> str:
    """The profile that the record with this number would create for the user."""
    return identity.profile_id(int.from_bytes(user(uid)[:2]), key(number))


def _clear(id_: str) -> ProfileEvent:
    return ProfileCleared(account=ACCOUNT, at=AT, id=id_)


def _release(id_: str, number: int) -> ProfileEvent:
    claim = identity.claim_made_by(key(number)).decode()
    return EmailReleased(account=ACCOUNT, at=AT, id=id_, claim=claim, by="f" * 32)


def _forget(id_: str, uid: str, deletion: str, spent: list[str]) -> ProfileEvent:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=deletion, spent=spent
    )


def _done(deletion: str, at: int) -> ProfileEvent:
    return DeletionTombstoned(account=ACCOUNT, at=at, id=deletion, events=3)


def _log(said: list[tuple[bytes | None, int]]) -> list[Record]:
    """Compaction leaves holes: offsets grow, but not by one."""
    offsets = accumulate(step for _, step in said)
    return [
        Record(offset, key(number), value)
        for number, (offset, (value, _)) in enumerate(zip(offsets, said, strict=True))
    ]


# An event may speak of what one of the first few records made, whether that exists or not.
_early = st.integers(0, 5)
_repeats = st.sampled_from(["1" * 32, "2" * 32])
_times = st.integers(AT, AT + 2 * 24 * 3600 * 1000)
_uids = st.sampled_from(USERS)
_ids = st.builds(_id, _uids, _early)
_properties = st.dictionaries(
    st.sampled_from(["plan", "role"]), st.sampled_from([1, True, "x", None, [1], {"a": 1.5}])
)


@st.composite
def _upserts(draw: st.DrawFn) -> ProfileEvent:
    fields: dict[str, Any] = draw(_properties)
    if draw(st.booleans()):
        fields["email"] = draw(st.sampled_from(EMAILS))
    unset = draw(st.sampled_from([[], [], ["plan"], ["email"]]))
    who = {"id": draw(_ids)} if draw(st.integers(0, 3)) == 0 else {}
    uid = None if who else draw(_uids)
    repeat = draw(st.none() | _repeats)
    return upserted(uid, draw(_times), unset=unset, idempotency=repeat, **who, **fields)


@st.composite
def _tracked(draw: st.DrawFn) -> ProfileEvent:
    who = {"id": draw(_ids)} if draw(st.integers(0, 3)) == 0 else {}
    uid = None if who else draw(_uids)
    repeat = draw(st.none() | _repeats)
    name = draw(st.sampled_from(["signed_up", "left"]))
    return tracked(name, uid, draw(_times), idempotency=repeat, **who, **draw(_properties))


_opened = st.builds(
    BatchOpened,
    account=st.just(ACCOUNT),
    at=_times,
    id=st.sampled_from(["a" * 24, "b" * 24]),
    fingerprint=_repeats,
)
_deletions = st.sampled_from(["d" * 24, "e" * 24])
_events: st.SearchStrategy[ProfileEvent] = st.one_of(
    _upserts(),
    _upserts(),
    _upserts(),
    _tracked(),
    _opened,
    st.builds(_clear, _ids),
    st.builds(_release, _ids, _early),
    st.builds(_done, _deletions, _times),
    st.builds(_forget, _ids, _uids, _deletions, st.lists(_repeats, max_size=2)),
)
_values = st.one_of(_events.map(encode), _events.map(encode), st.sampled_from([None, b"{"]))
_logs = st.lists(st.tuples(_values, st.integers(1, 2)), max_size=25).map(_log)


def profiles(published: int = 0) -> ProfileState:
    state = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)
    state.resume(published)
    return state


@st.composite
def _cut(draw: st.DrawFn, logs: st.SearchStrategy[list[Record]]) -> list[Sequence[Record]]:
    """A log in chunks."""
    log = draw(logs)
    places = sorted(draw(st.sets(st.integers(0, len(log)))) | {0, len(log)})
    return [log[start:stop] for start, stop in pairwise(places)]


@settings(deadline=None)
@given(_cut(_logs))
def test_chunks_of_any_size_give_what_one_chunk_gives(chunks: list[Sequence[Record]]) -> None:
    cut, whole = profiles(), profiles()

    verdicts = [verdict for chunk in chunks for verdict in cut.apply(chunk)]

    assert verdicts == whole.apply([record for chunk in chunks for record in chunk])
    assert lasting(cut) == lasting(whole)
    assert placed(cut) == placed(whole)


@settings(deadline=None)
@given(_logs, st.integers(0, 25))
def test_records_that_are_applied_already_change_nothing(log: list[Record], again: int) -> None:
    state = profiles()
    state.apply(log)
    before = rows(state)

    assert state.apply(log[again:]) == []
    assert rows(state) == before


@settings(deadline=None)
@given(_cut(_logs), st.integers(0, 50))
def test_the_progress_decides_about_outputs_and_nothing_else(
    chunks: list[Sequence[Record]], published: int
) -> None:
    resumed, whole = profiles(published), profiles()

    for chunk in chunks:
        resumed.apply(chunk)
        whole.apply(chunk)

    assert lasting(resumed) == lasting(whole)
    assert placed(resumed) == [row for row in placed(whole) if row[0] >= published]


@settings(deadline=None)
@given(_cut(_logs))
def test_a_state_that_is_opened_again_goes_on_where_it_was(chunks: list[Sequence[Record]]) -> None:
    state, whole = profiles(), profiles()

    for chunk in chunks:
        state = ProfileState(state.storage, origin("profile-events"), IDENTITY)
        state.apply(chunk)
        whole.apply(chunk)

    assert lasting(state) == lasting(whole)
    assert placed(state) == placed(whole)


@settings(deadline=None)
@given(_logs)
def test_what_leaves_after_a_transaction_leaves_with_none_that_must_leave_once(
    log: list[Record],
) -> None:
    """The relay keeps the progress at an event's own offset while its plain rows are to come.

    After a crash the event's first rows then leave again: right for tombstones and nulls, but for nothing else.
    """
    state = profiles()
    state.apply(log)
    made = list(state.outbox_from((0, 0)))

    plain = {offset for offset, row in made if isinstance(row, EventTombstone | Release | Erased)}
    once = {
        offset
        for offset, row in made
        if isinstance(row, Claim) or (isinstance(row, PublicDocument) and row.value is not None)
    }

    assert not plain & once


@settings(deadline=None)
@given(_logs)
def test_a_document_keeps_its_percent_between_0_and_100(log: list[Record]) -> None:
    state = profiles()
    state.apply(log)

    for _, row in state.storage.scan(b"D", b"E"):
        assert 0 <= msgspec.json.decode(split(row)[1])["percent"] <= 100


@settings(deadline=None)
@given(st.binary())
def test_a_percent_lies_between_0_and_100(event_key: bytes) -> None:
    assert 0 <= identity.percent(event_key) <= 100
    assert identity.percent(event_key) == identity.percent(event_key)


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
_json: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)
_headers = st.builds(
    Header,
    account=st.text(),
    id=st.text(),
    created=st.integers(0, 2**63 - 1),
    version=st.integers(0, 2**63 - 1),
    claim=st.none() | st.binary(),
    company=st.none() | st.text(),
)


@settings(deadline=None)
@given(_headers, st.dictionaries(st.text(), _json))
def test_a_profile_is_read_as_it_was_written(header: Header, document: dict[str, Any]) -> None:
    row = Profile(b"0" * 16, header, document).encode()

    read = Profile.decode(b"0" * 16, row)

    assert (read.header, read.document) == (header, document)
    assert split(row) == (header, ENCODER.encode(document))
    assert Profile(b"0" * 16, read.header, read.document).encode() == row


def _claim(email: str, id_: str) -> bytes:
    return encode(EmailClaimed(account=ACCOUNT, at=AT, email=email, id=id_))


def _claim_log(said: list[tuple[int, bytes | None]]) -> list[Record]:
    """A claim's key is used once, and its tombstone may come before it, behind it or alone."""
    log: list[Record] = []
    claimed: set[int] = set()
    for number, value in said:
        if value is not None:
            if number in claimed:
                continue
            claimed.add(number)
        log.append(Record(len(log), key(number), value))
    return log


_claims = st.builds(
    _claim, st.sampled_from(["a" * 32, "b" * 32]), st.sampled_from(["1" * 24, "2" * 24])
)
_claim_logs = st.lists(st.tuples(st.integers(0, 9), st.none() | _claims), max_size=20).map(
    _claim_log
)


def emails() -> EmailState:
    return EmailState(MemoryStorage(), origin("profile-emails"))


@settings(deadline=None)
@given(_cut(_claim_logs))
def test_an_index_is_the_same_from_chunks_of_any_size(chunks: list[Sequence[Record]]) -> None:
    cut, whole = emails(), emails()

    folded = [result for chunk in chunks for result in cut.apply(chunk)]

    assert folded == whole.apply([record for chunk in chunks for record in chunk])
    assert lasting(cut) == lasting(whole)
    assert placed(cut) == placed(whole)


@settings(deadline=None)
@given(_claim_logs, st.sets(st.integers(0, 19)))
def test_an_index_is_the_same_from_a_half_compacted_log(
    log: list[Record], cleaned: set[int]
) -> None:
    named = {record.key: record.offset for record in log if record.value is None}
    left = [
        record
        for record in log
        if record.offset not in cleaned or named.get(record.key, -1) <= record.offset
    ]
    whole, replayed = emails(), emails()

    whole.apply(log)
    replayed.apply(left)

    for email in (b"\xaa" * 16, b"\xbb" * 16):
        assert replayed.holder(email) == whole.holder(email)
