"""Companies, held whole in memory by every node: the fold of ``company-events`` (contract §10).

1. The first event with a uid makes the company; an event without one, for a company that is not there, does nothing.
2. An id whose company was deleted is spent. An event that still names it does nothing, and gets its tombstone; the
   company's uid comes back under the next id (`Identity.next_company_id`). So what is known of the old company,
   however late, can never touch the new one.
3. A deletion is unfinished until the log says that each record of its company has got its tombstone. It knows their
   keys, so any node can go on with it after any crash.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Set
from typing import Any, Final, Literal, NamedTuple

import msgspec

from projections.companies.columns import Columns
from projections.properties.descriptions import Descriptions
from projections.receipts import Tombstoned
from schemas.events import (
    ENCODER,
    CompanyDeleted,
    CompanyTombstoned,
    CompanyUpserted,
    PropertyDescribed,
    decode_company_event,
)
from schemas.identity import Identity
from schemas.search.cursors import SortKey
from schemas.timestamps import format_timestamp

MAX_COMPANY_BYTES: Final = 1 << 20

Outcome = Literal["created", "updated", "deleted", "missing", "spent", "too_large", "done"]

_KEY_DIGITS: Final = 32
_read_document: Final = msgspec.json.Decoder(dict[str, Any])


class CompanyVerdict(NamedTuple):
    """What the fold did with an event of a company."""

    outcome: Outcome
    id: str


class Company(msgspec.Struct):
    """A company. `json` is what a read answers, `min` its min form (contract §5), `created` in unix milliseconds."""

    account: str
    id: str
    created: int
    json: bytes
    min: bytes
    records: bytearray
    """The keys of its records, one behind the other: as objects they would take three times the room."""

    def document(self) -> dict[str, Any]:
        return _read_document.decode(self.json)

    @property
    def sort_key(self) -> SortKey:
        """Where the company stands in its account's list."""
        return SortKey(self.created, self.id)


class CompanyDeletion(msgspec.Struct):
    """A deletion: `id` is its receipt's, `number` counts deletions in the order of the log, from 1.

    `pending` are the keys of records that have got no tombstone yet.
    """

    account: str
    id: str
    company: str
    number: int
    at: int
    cascade: bool
    events: int
    pending: dict[bytes, None]
    tombstoned: Tombstoned | None = None

    @property
    def finished(self) -> bool:
        return self.tombstoned is not None and not self.pending


class Companies:
    """The companies by id, and the deletions."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._companies: dict[str, Company] = {}
        self._sort_keys: dict[str, list[SortKey]] = {}
        self._ids: dict[str, set[str]] = {}
        self._deletions: dict[str, CompanyDeletion] = {}
        self._receipts: dict[str, CompanyDeletion] = {}
        self._pending: dict[bytes, CompanyDeletion] = {}
        self.deletions: list[CompanyDeletion] = []
        self.unfinished: dict[str, CompanyDeletion] = {}
        """By the company's id."""
        self.columns = Columns()
        self.descriptions = Descriptions()
        self.version = 0
        """Another one after each event: what was gathered from all companies is then of before."""

    # ------------------------------------------------------------------ folding

    def apply(self, key: bytes, value: bytes | None) -> CompanyVerdict | None:
        """Fold a record of ``company-events``; None for a tombstone. Raises `UndecodableRecord`."""
        if value is None:
            self._erased(key)
            return None
        self.version += 1
        match decode_company_event(value):
            case CompanyUpserted() as event:
                return CompanyVerdict(self._upserted(key, event), event.id)
            case CompanyDeleted() as event:
                return CompanyVerdict(self._deleted(event), event.id)
            case CompanyTombstoned() as event:
                return CompanyVerdict(self._tombstoned(event), event.id)
            case PropertyDescribed() as event:
                return CompanyVerdict(self.descriptions.apply(event), event.id)

    def _upserted(self, key: bytes, event: CompanyUpserted) -> Outcome:
        deletion = self._deletions.get(event.id)
        if deletion is not None:
            self._await_tombstone(deletion, key)
            self._look(deletion)
            return "spent"
        company = self._companies.get(event.id)
        if company is None and event.uid is None:
            return "missing"
        at = format_timestamp(event.at)
        before = company and company.document()
        document = {**(before or {"id": event.id, "uid": event.uid, "created_at": at})}
        if event.uid is not None:
            document["uid"] = event.uid
        document["updated_at"] = at
        document |= event.properties
        for name in event.unset:
            document.pop(name, None)
        json = ENCODER.encode(document)
        if company is not None and len(json) > MAX_COMPANY_BYTES:
            company.records += key
            return "too_large"
        min_form = {name: document[name] for name in ("id", "created_at", "uid")}
        if company is None:
            company = Company(event.account, event.id, event.at, b"", b"", bytearray())
            self._companies[event.id] = company
            insort(self._sort_keys.setdefault(event.account, []), company.sort_key)
            self._ids.setdefault(event.account, set()).add(event.id)
        company.json, company.min = json, ENCODER.encode(min_form)
        company.records += key
        self._changed(company, before, document)
        return "updated" if len(company.records) > _KEY_DIGITS else "created"

    def _deleted(self, event: CompanyDeleted) -> Outcome:
        if event.id in self._deletions:
            return "missing"
        company = self._companies.pop(event.id, None)
        records = bytes(company.records) if company is not None else b""
        if company is not None:
            sort_keys = self._sort_keys[company.account]
            del sort_keys[bisect_left(sort_keys, company.sort_key)]
            self._ids[company.account].remove(company.id)
            self._changed(company, company.document(), None)
        deletion = CompanyDeletion(
            account=event.account,
            id=event.deletion,
            company=event.id,
            number=len(self.deletions) + 1,
            at=event.at,
            cascade=event.cascade,
            events=len(records) // _KEY_DIGITS,
            pending={},
        )
        for start in range(0, len(records), _KEY_DIGITS):
            self._await_tombstone(deletion, records[start : start + _KEY_DIGITS])
        self.deletions.append(deletion)
        self._deletions[event.id] = self._receipts[event.deletion] = deletion
        self._look(deletion)
        return "deleted"

    def _changed(
        self, company: Company, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        for column in self.columns.of(company.account):
            column.change(company.id, before, after)

    def _tombstoned(self, event: CompanyTombstoned) -> Outcome:
        deletion = self._receipts.get(event.id)
        if deletion is None:
            return "missing"
        if deletion.tombstoned is None:
            deletion.tombstoned = Tombstoned(event.at, event.events)
        self._look(deletion)
        return "done"

    def _await_tombstone(self, deletion: CompanyDeletion, key: bytes) -> None:
        deletion.pending[key] = None
        self._pending[key] = deletion

    def _erased(self, key: bytes) -> None:
        deletion = self._pending.pop(key, None)
        if deletion is not None:
            del deletion.pending[key]
            self._look(deletion)

    def _look(self, deletion: CompanyDeletion) -> None:
        if deletion.finished:
            self.unfinished.pop(deletion.company, None)
        else:
            self.unfinished[deletion.company] = deletion

    # ------------------------------------------------------------------ reading

    def get(self, id_: str, account: str) -> Company | None:
        company = self._companies.get(id_)
        return company if company is not None and company.account == account else None

    def id_of(self, account: str, uid: int | str) -> str:
        """The id that the company of this uid has or, not there yet, will have (rule 2)."""
        id_ = self._identity.company_id(account, uid)
        while id_ in self._deletions:
            id_ = self._identity.next_company_id(id_)
        return id_

    def deletion_of(self, company: str) -> CompanyDeletion | None:
        """The deletion of the company with this id."""
        return self._deletions.get(company)

    def receipt(self, deletion: str, account: str) -> CompanyDeletion | None:
        found = self._receipts.get(deletion)
        return found if found is not None and found.account == account else None

    def newest(
        self, account: str, before: SortKey | None, after: SortKey | None
    ) -> Iterator[Company]:
        """The account's companies between two sort keys, which are left out, the newest first.

        Companies may come and go between two of them; who comes is not among them.
        """
        sort_keys, start, stop = self._between(account, before, after)
        for sort_key in reversed(sort_keys[start:stop]):
            if (company := self._companies.get(sort_key.id)) is not None:
                yield company

    def ids(self, account: str) -> Set[str]:
        """Of all the account's companies, until one comes or goes."""
        return self._ids.get(account, frozenset())

    def leaving(self, account: str) -> set[str]:
        """The ids of deleted companies that members may still name."""
        return {id_ for id_, deletion in self.unfinished.items() if deletion.account == account}

    def count(
        self, account: str, before: SortKey | None = None, after: SortKey | None = None
    ) -> int:
        """How many companies the account has between two sort keys, which are left out."""
        _, start, stop = self._between(account, before, after)
        return max(0, stop - start)

    def _between(
        self, account: str, before: SortKey | None, after: SortKey | None
    ) -> tuple[list[SortKey], int, int]:
        """The sort keys of all the account's companies, and where in them the wanted begin and end."""
        sort_keys = self._sort_keys.get(account, [])
        start = 0 if after is None else bisect_right(sort_keys, after)
        stop = len(sort_keys) if before is None else bisect_left(sort_keys, before)
        return sort_keys, start, stop
