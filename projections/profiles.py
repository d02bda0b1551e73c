"""The profiles of one partition: folded in chunks, read by id and by user."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from projections import batches, keyspace, tracking
from projections.changes import ChangedRows
from projections.deletions import has_waiting
from projections.fold.evolve import PASSED_OVER, Fold, PassedOver
from projections.fold.verdict import Verdict
from projections.history import Entry, history_row
from projections.memberships import MemberCounts
from projections.partition import NOTHING, Origin, PartitionState, Record, slices
from projections.profile import StoredProfile, split
from projections.receipts import (
    Purged,
    Receipt,
    Tombstoned,
    decode_purged,
    decode_receipt,
    decode_tombstoned,
)
from projections.repeats import First, Opened, first_attempt, ids, opened_batch, was_spent
from projections.stamp import Stamp
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.events import (
    AboutDeletion,
    AboutNobody,
    ProfileEvent,
    ProfileForgotten,
    UndecodableRecord,
    decode_profile_event,
)
from schemas.identity import Identity

_IDS_AT_ONCE: Final = 1000
# What the event loop decodes in about a millisecond.
_HISTORY_BYTES: Final = 1 << 18


class ProfileState(PartitionState):
    """One partition of ``profile-events``, folded."""

    def __init__(self, storage: Storage, origin: Origin, identity: Identity) -> None:
        super().__init__(storage, origin)
        self._fold = Fold(identity)
        # Set by a fold that leaves something to purge; the purge sets it back.
        self.news_to_purge = has_waiting(storage)
        gone = storage.scan(*keyspace.bounds(keyspace.GONE))
        self._has_gone = next(gone, None) is not None
        # Ids that folds have erased; who feeds the search index takes them at once.
        self.erased: list[str] = []
        self.changed = ChangedRows(storage)
        # Made when somebody asks how many members a company has.
        self.member_counts: MemberCounts | None = None

    def apply(self, records: Sequence[Record]) -> list[tuple[bytes, Verdict]]:
        """Fold consecutive records; what is applied already is passed over. Returns (key, verdict) per event."""
        return [verdict for slice_ in slices(records) for verdict in self._apply(slice_)]

    def _apply(self, records: Sequence[Record]) -> list[tuple[bytes, Verdict]]:
        """One multi-get, the fold, one atomic write of rows, outbox and offset."""
        self.note_holes(records)
        state = WorkingSet(self.storage, self.published, has_gone=self._has_gone)
        events = self._decode(records, state)
        state.prefetch(
            [user for *_, user in events if user is not None],
            [id_ for _, event, user in events if user is None and (id_ := _addressed(event))],
        )
        evolve = self._fold.evolve
        verdicts: list[tuple[bytes, Verdict]] = []
        for record, event, user in events:
            stamp = Stamp(record.key, record.offset, event.at)
            verdict = evolve(state, event, stamp, user, len(record.value or b""))
            verdicts.append((record.key, verdict))
        if records and records[-1].offset > self.applied:
            last = records[-1].offset
            changed = state.put_changed(last)
            self.commit(state.rows(), last)
            self.changed.wrote(last, changed)
            self.erased += state.erased
            self.news_to_purge |= state.has_waiting
            self._has_gone = state.has_gone
            self.last_claim = max(self.last_claim, state.last_claim)
            if self.member_counts is not None:
                self.member_counts.moved(state.moves)
        self.last_forget = max(
            self.last_forget,
            *(record.offset for record, event, _ in events if type(event) is ProfileForgotten),
            NOTHING,
        )
        return verdicts

    def _decode(
        self, records: Sequence[Record], state: WorkingSet
    ) -> list[tuple[Record, ProfileEvent | PassedOver, bytes | None]]:
        events: list[tuple[Record, ProfileEvent | PassedOver, bytes | None]] = []
        applied, user, set_aside = self.applied, self._fold.user, self.set_aside
        for record in records:
            if record.offset <= applied or record.value is None:
                continue
            if set_aside and record.offset in set_aside:
                events.append((record, PASSED_OVER, None))
                continue
            try:
                event = decode_profile_event(record.value)
            except UndecodableRecord:
                self.undecoded += 1
                state.put(keyspace.undecoded(record.offset), b"")
                continue
            events.append((record, event, user(event)))
        return events

    def read(self, user: bytes, account: str) -> StoredProfile | None:
        """The profile of the user with this keyed uid hash, in this account."""
        row = self.storage.get(keyspace.document(user))
        if row is None:
            return None
        header, json = split(row)
        return StoredProfile(user, header, json) if header.account == account else None

    def read_by_id(self, id_: str, account: str) -> StoredProfile | None:
        """The profile with this id, in this account."""
        user = self.storage.get(keyspace.user(id_))
        return None if user is None else self.read(user, account)

    def ids(self) -> Iterator[str]:
        """The ids of all profiles. Others may write between two of them."""
        start, stop = keyspace.bounds(keyspace.USERS)
        while rows := list(islice(self.storage.scan(start, stop), _IDS_AT_ONCE)):
            yield from (keyspace.user_id(key) for key, _ in rows)
            start = keyspace.next_key(rows[-1][0])

    def read_all(self, ids: Sequence[str]) -> list[StoredProfile]:
        """The profiles with these ids, in whatever account, without those that are gone."""
        users = [user for user in self.storage.get_many([*map(keyspace.user, ids)]) if user]
        rows = self.storage.get_many([*map(keyspace.document, users)])
        return [
            StoredProfile(user, *split(row))
            for user, row in zip(users, rows, strict=True)
            if row is not None
        ]

    def rows(self, ids: Sequence[str]) -> list[bytes | None]:
        """The stored rows of the profiles with these ids, undecoded (`profile.split`); None for who is gone."""
        users = self.storage.get_many([*map(keyspace.user, ids)])
        rows = iter(self.storage.get_many([keyspace.document(user) for user in users if user]))
        return [next(rows) if user else None for user in users]

    def receipt(self, deletion_id: str, account: str) -> Receipt | None:
        row = self.storage.get(keyspace.receipt(deletion_id))
        found = None if row is None else decode_receipt(row)
        return found if found is not None and found.account == account else None

    def tombstoned(self, deletion_id: str) -> Tombstoned | None:
        """When the last tombstone of a deletion left; None until then."""
        row = self.storage.get(keyspace.tombstoned(deletion_id))
        return None if row is None else decode_tombstoned(row)

    def purged(self, deletion_id: str) -> Purged | None:
        """When it was seen that nothing is left of a deletion; None until then."""
        row = self.storage.get(keyspace.purged(deletion_id))
        return None if row is None else decode_purged(row)

    def batch(self, batch_id: str, account: str) -> batches.Batch | None:
        row = self.storage.get(keyspace.batch(batch_id))
        found = None if row is None else batches.decode(row)
        return found if found is not None and found.account == account else None

    def repeats(self, id_: str, now: int) -> list[str]:
        """The idempotency ids of the last 24 hours in a profile's history."""
        return list(ids(self.storage, id_, now))

    def first_attempt(self, repeat: str, now: int) -> First | None:
        """The event that carried this idempotency id first, if it was folded here in the last 24 hours."""
        return first_attempt(self.storage, repeat, now)

    def refuses(self, repeat: str, now: int) -> bool:
        """Whether the user of the id's first attempt was forgotten in the last 24 hours."""
        return was_spent(self.storage, repeat, now)

    def opened_batch(self, batch_id: str, now: int) -> Opened | None:
        """How a batch with an idempotency id began, if that was in the last 24 hours."""
        return opened_batch(self.storage, batch_id, now)

    def event_key(self, id_: str, offset: int) -> bytes | None:
        """The key of the record at this offset, if it is about the profile."""
        row = self.storage.get(keyspace.history(id_, offset))
        if row is not None:
            return history_row(row)[0]
        user = self.storage.get(keyspace.user(id_))
        document = None if user is None else self.storage.get(keyspace.document(user))
        if document is None:
            return None
        header, _ = split(document)
        return Entry.creation(header).key if header.created == offset else None

    def counters(self, id_: str) -> dict[str, tracking.Counter]:
        """By name, how often the profile's user did what was tracked, and when."""
        return tracking.counters(self.storage, id_)

    def counter_rows(self, id_: str) -> list[bytes]:
        """What `counters` shows, undecoded (`tracking.decode_counters`)."""
        return tracking.counter_rows(self.storage, id_)

    def has_tracked(self) -> bool:
        """Whether anything was tracked of anybody in this partition."""
        return tracking.has_any(self.storage)

    def tracked(self, id_: str) -> dict[str, tracking.Tracked]:
        """By name, the counters, and the last tracked events of the profile's user."""
        return tracking.read(self.storage, id_)

    def some_tracked(
        self, id_: str, after: bytes, count: int
    ) -> tuple[dict[str, tracking.Tracked], bytes | None]:
        """What `tracked` gives, in portions; see `tracking.read_some`."""
        return tracking.read_some(self.storage, id_, after, count)

    def members(self, company: str, limit: int) -> list[str]:
        """At most `limit` ids of profiles that are members of the company."""
        rows = islice(self.storage.scan(*keyspace.members(company)), limit)
        return [keyspace.member_id(key) for key, _ in rows]

    def joinable(self, companies: Iterable[str]) -> list[str]:
        """Which of the companies a profile of this partition could still join, as far as its log says."""
        wanted = list(companies)
        rows = self.storage.get_many([keyspace.gone(company) for company in wanted])
        return [company for company, row in zip(wanted, rows, strict=True) if row is None]

    def history(
        self,
        profile: StoredProfile,
        start: int,
        stop: int,
        count: int,
        *,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Some entries of a profile's history with start <= offset < stop, from one end: none when there are no more.

        At most `count` of them, and no more behind `_HISTORY_BYTES` of old values.
        """
        scan = self.storage.scan_back if newest_first else self.storage.scan
        creation = Entry.creation(profile.header)
        within = start <= creation.offset < stop
        entries = [creation] if within and not newest_first else []
        size = 0
        bounds = keyspace.history(profile.id, start), keyspace.history(profile.id, stop)
        for key, row in scan(*bounds):
            if len(entries) == count or size > _HISTORY_BYTES:
                return entries
            entries.append(Entry.decode(key, row))
            size += len(row)
        if within and newest_first and len(entries) < count:
            entries.append(creation)
        return entries

    def count_history(self, id_: str) -> int:
        """How many records of the log are about the profile, which is there."""
        return 1 + sum(1 for _ in self.storage.scan(*keyspace.histories(id_)))


def _addressed(event: ProfileEvent | PassedOver) -> str | None:
    """The profile that an event names by its id, where the fold will read it."""
    if isinstance(event, PassedOver | AboutDeletion | AboutNobody):
        return None
    return event.id
