"""What an audit finds, and what it knows to be no difference."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import keyspace
from projections.auditing.agreement import LISTED, Comparison, Digest, digest_of
from projections.auditing.differences import Difference
from projections.receipts import decode_receipt, encode_receipt
from projections.repeats import REPEAT_WINDOW_MS
from schemas.events import (
    BatchOpened,
    BatchReceived,
    CompanyGone,
    DeletionPurged,
    DeletionTombstoned,
    EmailClaimed,
    ProfileForgotten,
    encode,
)
from tests.support.folding import (
    ACCOUNT,
    AT,
    Emails,
    Profiles,
    key,
    rows,
    tracked,
    upserted,
    user,
)
from tests.support.memory_storage import MemoryStorage

_NEWEST = AT + 1000
_COMPARED = b"ABCDEGHIJKNPRSTUVWXYZ"


def _forget(profiles: Profiles, uid: str, id_: str, deletion: str) -> None:
    profiles.put(
        ProfileForgotten(
            account=ACCOUNT,
            at=AT,
            id=id_,
            user=user(uid).hex(),
            deletion=deletion,
            spent=["5" * 32],
        )
    )
    profiles.put(DeletionTombstoned(account=ACCOUNT, at=AT, id=deletion, events=1))


def _profiles() -> MemoryStorage:
    """A state with a row of each kind."""
    profiles = Profiles()
    for uid in ("ada", "bob", "eve"):
        company = {"company_id": "c" * 24}
        profiles.create(
            uid, email=f"{uid}@example.org", idempotency=key(ord(uid[0])).decode(), **company
        )
    profiles.put(tracked("signed_up", "ada"))
    profiles.put(CompanyGone(account=ACCOUNT, at=AT, company="d" * 24))
    profiles.put(BatchOpened(account=ACCOUNT, at=AT, id="b" * 24, fingerprint="f" * 32))
    profiles.put(
        BatchReceived(
            account=ACCOUNT,
            at=AT,
            id="b" * 24,
            received=1,
            accepted=1,
            skipped=0,
            failed=0,
            last={},
        )
    )
    for uid, deletion in (("bob", "1" * 24), ("eve", "2" * 24)):
        id_ = profiles.state.read(user(uid), ACCOUNT)
        assert id_ is not None
        _forget(profiles, uid, id_.id, deletion)
    profiles.put(DeletionPurged(account=ACCOUNT, at=AT, id="1" * 24, events=1))
    storage = profiles.state.storage
    assert isinstance(storage, MemoryStorage)
    storage.write({keyspace.undecoded(99): b""})
    return storage


def _emails() -> MemoryStorage:
    emails = Emails()
    for number in range(3):
        claim = EmailClaimed(account=ACCOUNT, at=AT, email="e" * 32, id=f"{number:024x}")
        emails.put(key(number), encode(claim))
    storage = emails.state.storage
    assert isinstance(storage, MemoryStorage)
    return storage


PROFILES, EMAILS = _profiles().snapshot(), _emails().snapshot()


@dataclass
class Compared:
    """What came of a comparison."""

    differences: list[Difference]
    count: int
    digest: str


def compare(live: MemoryStorage, replay: MemoryStorage, newest: int = _NEWEST) -> Compared:
    comparison = Comparison()
    for _ in comparison.run(live, replay, newest):
        pass
    return Compared(comparison.differences, comparison.count, comparison.digest.text())


def digest(storage: MemoryStorage, newest: int = _NEWEST) -> str:
    found = Digest()
    for _ in digest_of(storage, newest, found):
        pass
    return found.text()


def test_the_state_of_these_tests_has_each_kind_of_row() -> None:
    kinds = {name[:1] for name in (*PROFILES, *EMAILS)}

    assert kinds >= {bytes([kind]) for kind in _COMPARED}


@pytest.mark.parametrize("snapshot", [PROFILES, EMAILS])
def test_a_state_agrees_with_itself_and_has_the_digest_of_a_replay(snapshot: Any) -> None:
    found = compare(MemoryStorage(snapshot), MemoryStorage(snapshot))

    assert (found.differences, found.count) == ([], 0)
    assert found.digest == digest(MemoryStorage(snapshot))


def _rows_to_change(snapshot: Any) -> list[bytes]:
    """Which rows a test may change by any byte: of a receipt and of what waits only some of it is compared."""
    return [name for name in snapshot if name[:1] in set(_kinds(b"ABCDEGHIJKNPSTUVXYZ"))]


def _kinds(prefixes: bytes) -> list[bytes]:
    return [bytes([prefix]) for prefix in prefixes]


@settings(deadline=None)
@given(st.data())
def test_one_byte_is_found_whichever_it_is(data: st.DataObject) -> None:
    snapshot = data.draw(st.sampled_from([PROFILES, EMAILS]))
    name = data.draw(st.sampled_from(_rows_to_change(snapshot)))
    row = bytearray(snapshot[name])
    if row:
        row[data.draw(st.integers(0, len(row) - 1))] ^= data.draw(st.integers(1, 255))
        live = {**snapshot, name: bytes(row)}
        told = {"differs", "missing"}  # of a time that is so old by now that it does not count
    else:
        live = {other: value for other, value in snapshot.items() if other != name}
        told = {"missing"}

    found = compare(MemoryStorage(live), MemoryStorage(snapshot))

    assert found.count >= 1
    assert {each.how for each in found.differences} <= told
    assert found.digest != digest(MemoryStorage(snapshot))


@settings(deadline=None)
@given(st.sampled_from([PROFILES, EMAILS]), st.data())
def test_a_row_too_few_and_a_row_too_many_are_told_apart(
    snapshot: Any, data: st.DataObject
) -> None:
    kinds = set(_kinds(_COMPARED))
    name = data.draw(st.sampled_from([name for name in snapshot if name[:1] in kinds]))
    less = {other: row for other, row in snapshot.items() if other != name}

    missing = compare(MemoryStorage(less), MemoryStorage(snapshot))
    surplus = compare(MemoryStorage(snapshot), MemoryStorage(less))

    assert "missing" in {each.how for each in missing.differences}
    assert "not in the log" in {each.how for each in surplus.differences}


def test_what_is_told_of_a_document_is_its_profile_and_offset_and_nothing_of_the_user() -> None:
    name = keyspace.document(user("ada"))
    live = {**PROFILES, name: PROFILES[name].replace(b"ada@example.org", b"bda@example.org")}

    (found,) = compare(MemoryStorage(live), MemoryStorage(PROFILES)).differences

    stored = Profiles()
    stored.state.storage.write(dict(PROFILES))
    profile = stored.state.read(user("ada"), ACCOUNT)
    assert profile is not None
    assert (found.row, found.how, found.profile, found.offset) == (
        "document",
        "differs",
        profile.id,
        0,
    )
    assert b"ada" not in msgspec.json.encode(found)


def test_differences_beyond_the_list_are_counted() -> None:
    many = {b"H" + number.to_bytes(20): b"x" for number in range(LISTED + 5)}

    found = compare(MemoryStorage(many), MemoryStorage())

    assert (len(found.differences), found.count) == (LISTED, LISTED + 5)


@pytest.mark.parametrize("kind", [b"O", b"Q", b"L", b"M"])
def test_what_has_still_to_leave_is_not_compared(kind: bytes) -> None:
    live = {**PROFILES, kind + b"later": b"x"}

    found = compare(MemoryStorage(live), MemoryStorage(PROFILES))

    assert (found.count, found.digest) == (0, digest(MemoryStorage(PROFILES)))


def test_ids_that_do_not_count_any_more_are_not_compared() -> None:
    gone = {name: row for name, row in PROFILES.items() if name[:1] not in set(_kinds(b"IJNS"))}
    late = AT + REPEAT_WINDOW_MS

    assert compare(MemoryStorage(gone), MemoryStorage(PROFILES), late).count == 0
    assert compare(MemoryStorage(gone), MemoryStorage(PROFILES), late - 1).count > 0
    assert digest(MemoryStorage(gone), late) == digest(MemoryStorage(PROFILES), late)


# ---------------------------------------------------------------------- receipts

RECEIPT = keyspace.receipt("1" * 24)


def _with_receipt(**fields: Any) -> MemoryStorage:
    changed = msgspec.structs.replace(decode_receipt(PROFILES[RECEIPT]), **fields)
    return MemoryStorage({**PROFILES, RECEIPT: encode_receipt(changed)})


def test_a_replay_of_a_compacted_log_may_name_fewer_erased_records() -> None:
    replay = _with_receipt(erased=[], events=0)

    found = compare(MemoryStorage(PROFILES), replay)

    assert found.count == 0
    assert found.digest == digest(replay)


@pytest.mark.parametrize(
    "fields",
    [
        {"account": "0" * 24},
        {"profile": "0" * 24},
        {"requested_at": AT + 1},
        {"offset": 3},
        {"erased": []},
        {"erased": [1, 1]},
        {"erased": [1, 1 << 40]},
        {"events": 2},
    ],
)
def test_a_receipt_that_says_anything_else_is_found(fields: dict[str, Any]) -> None:
    (found, *others) = compare(_with_receipt(**fields), MemoryStorage(PROFILES)).differences

    assert (found.row, found.deletion, others) == ("receipt", "1" * 24, [])


@pytest.mark.parametrize("row", [b"", b"\xc1", b"\x96"])
def test_a_receipt_that_cannot_be_read_is_found(row: bytes) -> None:
    live = MemoryStorage({**PROFILES, RECEIPT: row})

    assert compare(live, MemoryStorage(PROFILES)).count == 1


def test_a_state_carries_rows_of_kinds_that_this_version_does_not_know() -> None:
    live = {**PROFILES, b"~" + bytes(4): b"x"}

    (found,) = compare(MemoryStorage(live), MemoryStorage(PROFILES)).differences

    assert found.row == "row of a kind that this version does not know"


def test_all_rows_of_the_fold_are_there() -> None:
    """The snapshot is what the fold wrote, so that these tests are about real rows."""
    profiles = Profiles()
    profiles.create("ada")
    profiles.put(upserted("ada"))

    assert {name[:1] for name in rows(profiles.state)} >= {b"D", b"H", b"U", b"M"}
