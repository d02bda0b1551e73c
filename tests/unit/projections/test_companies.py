"""The fold of ``company-events`` (`projections.companies.fold`)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.companies.fold import MAX_COMPANY_BYTES, Companies, Company
from schemas.events import (
    CompanyDeleted,
    CompanyEvent,
    CompanyTombstoned,
    CompanyUpserted,
    UndecodableRecord,
    encode,
)
from tests.support.folding import ACCOUNT, AT, IDENTITY, key

STRANGER = "b" * 24
UIDS = ("acme", "ajax")
DELETION = "d" * 24


def upserted(
    uid: str = "acme", at: int = AT, id_: str | None = None, **properties: Any
) -> CompanyUpserted:
    unset = properties.pop("unset", [])
    known = id_ or IDENTITY.company_id(ACCOUNT, uid)
    return CompanyUpserted(
        account=ACCOUNT,
        at=at,
        id=known,
        uid=None if id_ else uid,
        properties=properties,
        unset=unset,
    )


def deleted(uid: str = "acme", deletion: str = DELETION) -> CompanyDeleted:
    return CompanyDeleted(
        account=ACCOUNT, at=AT, id=IDENTITY.company_id(ACCOUNT, uid), deletion=deletion
    )


def tombstoned(deletion: str = DELETION, events: int = 1) -> CompanyTombstoned:
    return CompanyTombstoned(account=ACCOUNT, at=AT + 5, id=deletion, events=events)


class Log:
    """Companies with the log that they are folded from."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self.companies = Companies(IDENTITY)

    def put(self, event: CompanyEvent) -> str:
        """Fold one more event; returns the outcome."""
        self.records.append((key(len(self.records)), encode(event)))
        verdict = self.companies.apply(*self.records[-1])
        assert verdict is not None
        return verdict.outcome

    def erase(self, number: int) -> None:
        """A tombstone for the record with this number."""
        self.records.append((key(number), None))
        assert self.companies.apply(key(number), None) is None

    @property
    def acme(self) -> Company | None:
        return self.companies.get(self.companies.id_of(ACCOUNT, "acme"), ACCOUNT)


def folded(records: list[tuple[bytes, bytes | None]]) -> Companies:
    companies = Companies(IDENTITY)
    for record in records:
        companies.apply(*record)
    return companies


def look(companies: Companies) -> list[dict[str, Any]]:
    return [company.document() for company in companies.newest(ACCOUNT, None, None)]


def test_the_first_event_makes_a_company_and_later_ones_change_it() -> None:
    log = Log()

    assert log.put(upserted(plan="free", seats=1)) == "created"
    assert log.put(upserted(at=AT + 1, plan="gold", unset=["seats"])) == "updated"

    assert log.acme is not None
    assert log.acme.document() == {
        "id": IDENTITY.company_id(ACCOUNT, "acme"),
        "uid": "acme",
        "created_at": "2023-11-14T22:13:20.000Z",
        "updated_at": "2023-11-14T22:13:20.001Z",
        "plan": "gold",
    }
    assert b"plan" not in log.acme.min


def test_an_event_by_id_makes_nothing() -> None:
    log = Log()

    assert log.put(upserted(id_=IDENTITY.company_id(ACCOUNT, "acme"))) == "missing"
    assert look(log.companies) == []


def test_another_account_sees_nothing() -> None:
    log = Log()
    log.put(upserted())
    log.put(deleted())
    log.put(upserted("ajax"))
    ajax = IDENTITY.company_id(ACCOUNT, "ajax")

    assert log.companies.get(ajax, STRANGER) is None
    assert log.companies.receipt(DELETION, STRANGER) is None
    assert list(log.companies.newest(STRANGER, None, None)) == []
    assert log.companies.ids(STRANGER) == log.companies.leaving(STRANGER) == set()
    assert log.companies.leaving(ACCOUNT) == {IDENTITY.company_id(ACCOUNT, "acme")}


def test_an_update_that_would_make_it_too_large_changes_nothing_but_is_remembered() -> None:
    log = Log()
    log.put(upserted(plan="gold"))

    assert log.put(upserted(text="x" * MAX_COMPANY_BYTES)) == "too_large"
    assert log.acme is not None
    assert "text" not in log.acme.document()

    log.put(deleted())
    assert list(log.companies.deletions[0].pending) == [key(0), key(1)]


def test_a_deleted_id_is_spent_and_its_uid_comes_back_under_the_next() -> None:
    log = Log()
    log.put(upserted(plan="gold"))
    old = log.companies.id_of(ACCOUNT, "acme")

    assert log.put(deleted()) == "deleted"
    assert log.acme is None
    assert log.put(upserted()) == "spent"
    assert log.put(deleted(deletion="e" * 24)) == "missing"

    new = log.companies.id_of(ACCOUNT, "acme")
    assert new == IDENTITY.next_company_id(old)
    fresh = CompanyUpserted(account=ACCOUNT, at=AT, id=new, uid="acme")
    assert log.put(fresh) == "created"


def test_a_deletion_is_unfinished_until_every_record_has_its_tombstone() -> None:
    log = Log()
    log.put(upserted())
    log.put(upserted(plan="gold"))
    log.put(deleted())
    (deletion,) = log.companies.unfinished.values()

    log.erase(0)
    assert list(deletion.pending) == [key(1)]
    log.erase(1)
    assert log.companies.unfinished
    log.put(tombstoned(events=2))
    assert not log.companies.unfinished
    assert deletion.tombstoned is not None
    assert (deletion.tombstoned.at, deletion.tombstoned.events) == (AT + 5, 2)


def test_a_record_that_comes_late_is_to_be_erased_too() -> None:
    log = Log()
    log.put(deleted())
    log.put(tombstoned(events=0))

    log.put(upserted())

    (deletion,) = log.companies.unfinished.values()
    assert list(deletion.pending) == [key(2)]
    log.erase(2)
    assert not log.companies.unfinished


@pytest.mark.parametrize("value", [b"{", b'{"type":"company-eaten"}', b"\xff"])
def test_what_cannot_be_decoded_is_said_without_its_bytes(value: bytes) -> None:
    with pytest.raises(UndecodableRecord, match="not an event of company-events"):
        Companies(IDENTITY).apply(key(0), value)


_uids = st.sampled_from(UIDS)
_events: st.SearchStrategy[CompanyEvent] = st.one_of(
    st.builds(upserted, _uids, st.integers(AT, AT + 3), plan=st.sampled_from(["free", "gold"])),
    st.builds(deleted, _uids, st.sampled_from([DELETION, "e" * 24])),
    st.builds(tombstoned, st.sampled_from([DELETION, "e" * 24])),
)


@given(st.lists(_events, max_size=15), st.data())
def test_a_log_that_is_compacted_in_part_folds_to_the_same_companies(
    events: list[CompanyEvent], data: st.DataObject
) -> None:
    log = Log()
    for event in events:
        log.put(event)
    pending = [number for number in range(len(events)) if key(number) in _pending(log.companies)]
    erased = [number for number in pending if data.draw(st.booleans())]
    for number in erased:
        log.erase(number)
    kept = [
        record for record in log.records if data.draw(st.booleans()) or not _gone(record, erased)
    ]

    companies = folded(kept)

    assert look(companies) == look(log.companies)
    assert _pending(companies) == _pending(log.companies)
    for uid in UIDS:
        assert companies.id_of(ACCOUNT, uid) == log.companies.id_of(ACCOUNT, uid)


def _pending(companies: Companies) -> set[bytes]:
    return {record for deletion in companies.deletions for record in deletion.pending}


def _gone(record: tuple[bytes, bytes | None], erased: list[int]) -> bool:
    """Whether compaction may have taken the record: one with a tombstone."""
    return record[1] is not None and record[0] in {key(number) for number in erased}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.data())
def test_pages_go_from_the_newest_to_the_oldest(times: list[int], data: st.DataObject) -> None:
    log = Log()
    for n, at in enumerate(times):
        log.put(upserted(f"c{n}", AT + at))
    every = list(log.companies.newest(ACCOUNT, None, None))
    newer, older = sorted(
        data.draw(st.lists(st.integers(0, len(every) - 1), min_size=2, max_size=2))
    )

    assert [company.sort_key for company in every] == sorted(
        (c.sort_key for c in every), reverse=True
    )
    between = log.companies.newest(ACCOUNT, every[newer].sort_key, every[older].sort_key)
    assert list(between) == every[newer + 1 : older]
