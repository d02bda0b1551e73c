"""Create or update many profiles, or track many events, at once (contract §4, §11).

The body stays one piece of bytes; items are decoded, normalized and appended in slices, with the loop free for other
requests in between, so that a full batch costs little more than its own size.
"""

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import ClassVar, Final, NamedTuple

import msgspec

from api.commands.addressing import NO_PROFILE, by_email, by_id, by_uid
from api.commands.drafting import CompanyReference, Draft, draft, draft_event
from api.commands.former_claims import release_former_holder
from api.commands.item_errors import Failures, ItemErrors, named
from api.commands.repeating import KeyedRequest, first_attempt
from api.commands.upserting import company_id
from api.envelopes import Slice, decode_item, in_steps, slices
from projections.batches import Batch, decode_errors, encode_errors
from projections.profile import StoredProfile
from projections.repeats import First
from schemas.errors import NotFound, RequestError, Unprocessable
from schemas.events import BatchReceived, EventTracked, ProfileUpserted, encode
from schemas.identifiers import fold_email, missing_identifier_sentence, ordinal, uid_text
from schemas.identity import event_key, event_keys, is_id, random_id
from streams.appender import Keyed
from streams.clock import now
from streams.node import Node
from streams.topics import MAX_EVENT_BYTES


class _Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Skipped(Exception):
    pass


class Received(NamedTuple):
    """The answer to a batch: its id, the items that were not taken, and the last position per partition."""

    id: str
    failures: Failures
    positions: dict[int, int]


class BatchWriter:
    """Handles one batch of one account, of profiles.

    `route` stands, hashed with the body, in the log: a repeat is known by it, so it never changes.
    """

    route: ClassVar[str] = "Envelope"

    def __init__(
        self,
        node: Node,
        account: str,
        *,
        ignore_missing: bool,
        item_limit: int,
        turn: asyncio.Lock,
        keyed: KeyedRequest | None,
    ) -> None:
        self._node = node
        self._account = account
        self._ignore = ignore_missing
        self._item_limit = item_limit
        self._turn = turn
        self._keyed = keyed
        self._at = now()
        # What the items so far have done to emails: who holds one (None: its claimant gave it up), and who moved.
        self._emails: dict[str, int | str | None] = {}
        self._moved: dict[str, str | None] = {}
        self._errors = ItemErrors()
        # Errors that hang on what was there, and not on the item alone.
        self._situational = ItemErrors()
        self._companies: dict[int | str, str] = {}
        self._skipped = 0
        self._acks: dict[int, list[asyncio.Future[int]]] = {}

    async def write(self, items: list[msgspec.Raw]) -> tuple[Received, Batch]:
        """Append every good item; returns when Kafka has them. Raises `Unavailable`."""
        self._node.worker.check_folding()
        received = len(items)
        keyed = self._keyed
        if keyed is not None:
            self._at = await keyed.open()
        with self._node.worker.folding.receiving():
            for part in slices(items):
                await self._append(await self._events(part))
                await asyncio.sleep(0)
            last = await self._acknowledged()
        failed = self._errors.count
        event = BatchReceived(
            account=self._account,
            at=self._at,
            id=random_id() if keyed is None else keyed.batch,
            received=received,
            accepted=received - failed - self._skipped,
            skipped=self._skipped,
            failed=failed,
            last={str(partition): offset for partition, offset in last.items()},
            errors=b"" if keyed is None else encode_errors(self._situational.failures().shown),
        )
        partition = self._node.identity.partition_of_id(event.id)
        topic = self._node.topics.events
        await self._node.appender.append(topic, partition, event_key(), encode(event))
        return Received(event.id, self._errors.failures(), last), Batch.of(event)

    async def again(self, items: list[msgspec.Raw], batch: Batch) -> Failures:
        """The errors that were answered: some are kept, and what is wrong with an item in itself is found again.

        Texts of the latter name properties, which must not stand in the log.
        """
        self._at = batch.created_at
        for part in slices(items):
            await self._drafts(part)
            await asyncio.sleep(0)
        return Failures.of([*self._errors.kept, *decode_errors(batch.errors)], batch.failed)

    async def _events(self, part: Slice) -> dict[int, list[Keyed]]:
        """The events of a slice, per partition, in order."""
        drafts = await self._drafts(part)
        companies = {
            uid
            for write in drafts.values()
            if write.company is not None
            and (uid := write.company.made_by) is not None
            and write.identified
        }
        if companies:
            self._companies = await self._node.company_log.make(self._account, companies, self._at)
        for write in drafts.values():
            if write.email is not None and not write.email.isascii():
                await release_former_holder(self._node, self._account, write)
        async with self._turn:
            return self._encode_all(drafts)

    def _encode_all(self, drafts: Mapping[int, Draft]) -> dict[int, list[Keyed]]:
        events: dict[int, list[Keyed]] = {}
        keys = iter(event_keys(len(drafts)))
        for index, write in drafts.items():
            try:
                partition, value = self._event(index, write)
            except _Refused as refused:
                self._errors.add(refused.code, index, refused.message)
                self._situational.add(refused.code, index, refused.message)
            except _Skipped:
                self._skipped += 1
            else:
                events.setdefault(partition, []).append((next(keys), value))
        return events

    async def _drafts(self, part: Slice) -> dict[int, Draft]:
        """The good items of a slice, by their index."""
        drafts: dict[int, Draft] = {}
        await in_steps(part, self._turn, lambda step: self._draft_all(step, drafts))
        return drafts

    def _draft_all(self, step: Slice, drafts: dict[int, Draft]) -> None:
        for index, item in enumerate(step.items, step.start):
            try:
                drafts[index] = self._normalize(decode_item(item, self._item_limit), self._at)
            except RequestError as error:
                code = error.code
                self._errors.add(code, index, named(str(error), index))

    _normalize = staticmethod(draft)

    def _event(self, index: int, write: Draft) -> tuple[int, bytes]:
        """Partition and value of the item's event."""
        if write.company is not None and write.identified:
            write.properties["company_id"] = self._company(index, write.company)
        partition, id_, uid = self._target(index, write)
        event = ProfileUpserted(
            account=self._account,
            at=self._at,
            uid=uid,
            id=id_,
            properties=write.properties,
            unset=write.unset,
            idempotency=self._repeat(index),
        )
        return partition, self._encode(index, event)

    def _repeat(self, index: int) -> str | None:
        return None if self._keyed is None else self._keyed.item(index)

    def _encode(self, index: int, event: ProfileUpserted | EventTracked) -> bytes:
        value = encode(event)
        if len(value) > MAX_EVENT_BYTES:
            text = f"The item is larger than {self._item_limit} bytes"
            raise _Refused(413, named(text, index))
        return value

    def _company(self, index: int, company: CompanyReference) -> str | None:
        try:
            return company_id(self._node, self._account, company, self._companies)
        except Unprocessable as error:
            raise _Refused(422, f"{error} for the {ordinal(index + 1)} item") from None

    def _target(self, index: int, write: Draft) -> tuple[int, str | None, int | str | None]:
        """Partition, and the event's `id` and `uid`."""
        if write.id is not None:
            return self._by_id(index, write, write.id)
        if write.uid is not None:
            if self._ignore and by_uid(self._node, self._account, write.uid) is None:
                raise _Skipped
            self._note_email(write.uid, write)
            return self._partition_of(write.uid), None, write.uid
        if write.email is None:
            raise _Refused(422, missing_identifier_sentence(index + 1))
        return self._by_email(index, write, write.email)

    def _by_id(
        self, index: int, write: Draft, id_: str
    ) -> tuple[int, str | None, int | str | None]:
        found = by_id(self._node, self._account, id_)
        if found is None:
            raise self._nobody(index, write)
        identity = self._node.identity
        if write.uid is not None and found.user != identity.uid_hash(self._account, write.uid):
            raise self._contradiction(index)
        if "email" in write.properties or "email" in write.unset:
            self._note_email(found.document()["uid"], write)
        return identity.partition_of_id(found.id), found.id, write.uid

    def _by_email(
        self, index: int, write: Draft, email: str
    ) -> tuple[int, str | None, int | str | None]:
        """An earlier item of the batch may have created the profile or given it the email."""
        write.properties.pop("email", None)  # it only says who is meant
        first = self._first_attempt(index)
        if first is not None:
            return self._node.identity.partition_of_id(first.id), first.id, None
        holder = self._holder(email)
        if holder is None:
            raise self._missing(index)
        if isinstance(holder, StoredProfile):
            return self._node.identity.partition_of_id(holder.id), holder.id, None
        return self._partition_of(holder), None, holder

    def _holder(self, email: str) -> StoredProfile | int | str | None:
        """Who has the email after the items so far: the uid where one of them gave it, or the profile of before."""
        folded = fold_email(email)
        if folded in self._emails:
            return self._emails[folded]
        found = by_email(self._node, self._account, email)
        if found is not None and self._moved:
            held = self._moved.get(uid_text(found.document()["uid"]), folded)
            if held != folded:
                return None
        return found

    def _nobody(self, index: int, write: Draft) -> Exception:
        """For an id that names nobody: it contradicts a uid or an email that names somebody."""
        uid, email = write.uid, write.email
        known = uid is not None and by_uid(self._node, self._account, uid) is not None
        if known or (email is not None and self._holder(email) is not None):
            return self._contradiction(index)
        return self._missing(index)

    def _contradiction(self, index: int) -> _Refused:
        return _Refused(
            409, f"The identifiers of the {ordinal(index + 1)} item name different profiles"
        )

    def _first_attempt(self, index: int) -> First | None:
        """What an attempt that broke off has made of the item: its email may lead to somebody else by now."""
        if self._keyed is None or self._keyed.opened is None:
            return None
        return first_attempt(self._node, self._keyed.item(index), self._at)

    def _note_email(self, uid: int | str, write: Draft) -> None:
        """Remember what an item does to emails, for later items that name a profile by one."""
        if "email" not in write.properties and "email" not in write.unset:
            return
        name = uid_text(uid)
        before = self._moved.get(name)
        holder = None if before is None else self._emails.get(before)
        if before is not None and holder is not None and uid_text(holder) == name:
            self._emails[before] = None
        after = None if write.email is None else fold_email(write.email)
        self._moved[name] = after
        if after is not None:
            self._emails[after] = uid

    def _partition_of(self, uid: int | str) -> int:
        identity = self._node.identity
        return identity.partition_of_hash(identity.uid_hash(self._account, uid))

    def _missing(self, index: int) -> Exception:
        if self._ignore:
            return _Skipped()
        return _Refused(404, f"{NO_PROFILE} for the {ordinal(index + 1)} item")

    async def _append(self, events: Mapping[int, list[Keyed]]) -> None:
        for partition, records in events.items():
            acks = await self._node.appender.append_many(
                self._node.topics.events, partition, records
            )
            self._acks.setdefault(partition, []).extend(acks)

    async def _acknowledged(self) -> dict[int, int]:
        """Wait until Kafka has everything; the last offset per partition."""
        last: dict[int, int] = {}
        for partition, acks in sorted(self._acks.items()):
            for ack in acks:
                last[partition] = await self._node.appender.wait(ack)
        return last


class EventBatchWriter(BatchWriter):
    """Handles one batch of tracked events."""

    route = "EventEnvelope"

    _normalize = staticmethod(draft_event)

    def _event(self, index: int, write: Draft) -> tuple[int, bytes]:
        partition, id_, uid = self._target(index, write)
        event = EventTracked(
            account=self._account,
            at=self._at,
            name=write.name,
            uid=uid,
            id=id_,
            properties=write.properties,
            idempotency=self._repeat(index),
        )
        return partition, self._encode(index, event)

    def _note_email(self, uid: int | str, write: Draft) -> None:
        """A tracked event gives nobody an email."""


class Batches:
    """Batches that this node took and has not folded yet, so that their status can be asked for at once."""

    _KEPT: Final = 10_000

    def __init__(self, node: Node) -> None:
        self._node = node
        self._recent: dict[str, Batch] = {}

    def add(self, id_: str, batch: Batch) -> None:
        self._recent[id_] = batch
        for old in list(islice(self._recent, max(0, len(self._recent) - self._KEPT))):
            del self._recent[old]

    def get(self, account: str, id_: str) -> Batch:
        """Raises `NotFound`, `Unavailable`."""
        batch = self._find(account, id_)
        if batch is None:
            raise NotFound("No such batch")
        return batch

    def answered(self, keyed: KeyedRequest | None) -> Batch | None:
        """The batch with this key, if it was received whole and its answer can be given again. Raises `Unavailable`."""
        if keyed is None or keyed.opened is None:
            return None
        batch = self._find(keyed.account, keyed.batch)
        at = keyed.opened.at
        return batch if batch is not None and batch.created_at == at and batch.errors else None

    def _find(self, account: str, id_: str) -> Batch | None:
        batch = None
        if is_id(id_):
            partition = self._node.identity.partition_of_id(id_)
            batch = self._node.worker.profiles(partition).batch(id_, account)
        recent = self._recent.get(id_)
        if recent is None or recent.account != account:
            return batch
        if batch is not None and batch.created_at >= recent.created_at:
            del self._recent[id_]
            return batch
        return recent

    def applied(self, batch: Batch) -> bool:
        """Whether every read shows all of the batch, by email too."""
        worker = self._node.worker
        return all(
            worker.profiles(int(partition)).applied >= offset
            and worker.settlement.before(int(partition), offset)
            for partition, offset in batch.last.items()
        )
