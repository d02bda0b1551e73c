"""Profiles and tracked events as items of a batch (contract §4, §11)."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, TypeAlias

from api.commands.addressing import NO_PROFILE
from api.commands.batches.emails import BatchEmails
from api.commands.batches.known import KnownProfiles
from api.commands.batches.writer import Appended, BatchContext
from api.commands.drafting import Draft, draft, draft_event
from api.commands.former_claims import release_former_holder
from api.commands.repeating import first_attempt
from api.commands.upserting import company_id
from projections.profile import StoredProfile
from projections.repeats import First
from schemas.errors import Conflict, NotFound, TooLarge, Unprocessable
from schemas.events import AboutUser, EventTracked, ProfileUpserted, encode
from schemas.identifiers import missing_identifier_sentence, ordinal
from schemas.identity import event_keys
from streams.clock import now
from streams.log.appender import Keyed
from streams.log.topics import MAX_EVENT_BYTES

# An event before it has a key: partition and value. A plain tuple, for there are 265,000 of them.
Record: TypeAlias = tuple[int, bytes]


class ProfileItems:
    """The items of one batch of profiles.

    `route` stands, hashed with the body, in the log: a repeat is known by it, so it never changes.
    """

    route: ClassVar[str] = "Envelope"

    def __init__(self, context: BatchContext) -> None:
        self._node = node = context.node
        self._account = account = context.account
        self._ignore = context.ignore_missing
        self._item_limit = context.item_limit
        self._keyed = context.keyed
        self._known = KnownProfiles(node, account)
        self._firsts: dict[int, First | None] = {}
        self._emails = BatchEmails(self._known.by_email)
        self._companies: dict[int | str, str] = {}
        self._acks: dict[int, list[asyncio.Future[int]]] = defaultdict(list)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncGenerator[int]:
        """Raises `Unavailable` when a partition has stopped, or the time is not known."""
        self._node.partitions.check_folding()
        at = now() if self._keyed is None else await self._keyed.open()
        with self._node.batch_pace.receiving():
            yield at

    draft = staticmethod(draft)

    async def prepare(self, drafts: Mapping[int, Draft], at: int) -> None:
        """Makes the companies that the items name first, and releases emails from former claims.

        Of a batch that broke off it finds what was made of items by email: it may lead to somebody else by now.
        """
        self._known.drop()
        companies = {
            uid
            for write in drafts.values()
            if write.company is not None
            and (uid := write.company.made_by) is not None
            and write.identified
        }
        if companies:
            self._companies = await self._node.company_log.make(self._account, companies, at)
        for write in drafts.values():
            if write.email is not None and not write.email.isascii():
                await release_former_holder(self._node, self._account, write)
        if self._keyed is not None and self._keyed.opened is not None:
            for index, write in drafts.items():
                if write.by_email:
                    repeat = self._keyed.item(index)
                    self._firsts[index] = await first_attempt(self._node, repeat, at)

    async def fetch(self, index: int, write: Draft) -> None:  # noqa: ARG002 - a batch's signature
        """Asks other nodes for whom the item names. Raises `Unavailable`."""
        await self._known.fetch(write)

    def event(self, index: int, write: Draft, at: int) -> Record:
        """Raises `Unprocessable`, `NotFound`, `Conflict`, `TooLarge`, and `Elsewhere` for what has to be fetched."""
        if write.company is not None and write.identified:
            write.properties["company_id"] = company_id(
                self._node, self._account, write.company, self._companies
            )
        partition, id_, uid = self._target(index, write)
        event = ProfileUpserted(
            account=self._account,
            at=at,
            uid=uid,
            id=id_,
            properties=write.properties,
            unset=write.unset,
            idempotency=self._repeat(index),
        )
        return self._record(partition, event)

    def _repeat(self, index: int) -> str | None:
        return None if self._keyed is None else self._keyed.item(index)

    def _record(self, partition: int, event: AboutUser) -> Record:
        value = encode(event)
        if len(value) > MAX_EVENT_BYTES:
            raise TooLarge(f"The item is larger than {self._item_limit} bytes")
        return partition, value

    def _target(self, index: int, write: Draft) -> tuple[int, str | None, int | str | None]:
        """Partition, and the event's `id` and `uid`."""
        if write.id is not None:
            return self._by_id(index, write, write.id)
        if write.uid is not None:
            if self._ignore and self._known.by_uid(write.uid) is None:
                raise NotFound(NO_PROFILE)
            if "email" in write.properties or "email" in write.unset:
                self._emails.note(write.uid, write)
            return self._node.identity.partition_of_uid(self._account, write.uid), None, write.uid
        if write.email is None:
            raise Unprocessable(missing_identifier_sentence(index + 1))
        return self._by_email(index, write, write.email)

    def _by_id(
        self, index: int, write: Draft, id_: str
    ) -> tuple[int, str | None, int | str | None]:
        found = self._known.by_id(id_)
        if found is None:
            raise self._nobody(index, write)
        identity = self._node.identity
        if write.uid is not None and found.user != identity.uid_hash(self._account, write.uid):
            raise _contradiction(index)
        if "email" in write.properties or "email" in write.unset:
            self._emails.note(found.document()["uid"], write)
        return identity.partition_of_id(found.id), found.id, write.uid

    def _by_email(
        self, index: int, write: Draft, email: str
    ) -> tuple[int, str | None, int | str | None]:
        """An earlier item of the batch may have created the profile or given it the email."""
        write.properties.pop("email", None)  # it only says who is meant
        first = self._firsts.get(index)
        if first is not None:
            return self._node.identity.partition_of_id(first.id), first.id, None
        holder = self._emails.holder(email)
        if holder is None:
            raise NotFound(NO_PROFILE)
        if isinstance(holder, StoredProfile):
            return self._node.identity.partition_of_id(holder.id), holder.id, None
        return self._node.identity.partition_of_uid(self._account, holder), None, holder

    def _nobody(self, index: int, write: Draft) -> NotFound | Conflict:
        """For an id that names nobody: it contradicts a uid or an email that names somebody."""
        uid, email = write.uid, write.email
        known = uid is not None and self._known.by_uid(uid) is not None
        if known or (email is not None and self._emails.holder(email) is not None):
            return _contradiction(index)
        return NotFound(NO_PROFILE)

    async def append(self, events: Mapping[int, Record]) -> Appended:
        """Queues the events of a slice, each under a key of its own, when the fold is not too far behind."""
        await self._node.let_fold_catch_up(self._appended())
        records: dict[int, list[Keyed]] = defaultdict(list)
        for key, (partition, value) in zip(event_keys(len(events)), events.values(), strict=True):
            records[partition].append((key, value))
        appender, topic = self._node.appender, self._node.topics.events
        for partition, some in records.items():
            acks = await appender.append_many(topic, partition, some)
            self._acks[partition].extend(acks)
        return Appended()

    def _appended(self) -> dict[int, int]:
        """The last offset by partition, as far as Kafka has acknowledged."""
        return {
            partition: last
            for partition, acks in self._acks.items()
            if (last := next(filter(None, map(_offset, reversed(acks))), None)) is not None
        }

    async def acknowledged(self) -> dict[int, int]:
        """Waits for what was queued."""
        last: dict[int, int] = {}
        for partition, acks in sorted(self._acks.items()):
            for ack in acks:
                last[partition] = await self._node.appender.wait(ack)
        return last


class EventItems(ProfileItems):
    """The items of one batch of tracked events."""

    route = "EventEnvelope"

    draft = staticmethod(draft_event)

    def event(self, index: int, write: Draft, at: int) -> Record:
        """Raises like that of profiles."""
        partition, id_, uid = self._target(index, write)
        event = EventTracked(
            account=self._account,
            at=at,
            name=write.name,
            uid=uid,
            id=id_,
            properties=write.properties,
            idempotency=self._repeat(index),
        )
        return self._record(partition, event)


def _offset(ack: "asyncio.Future[int]") -> int | None:
    """The offset of a request's last record; None while, or because, Kafka has not acknowledged it."""
    failed = not ack.done() or ack.cancelled() or ack.exception() is not None
    return None if failed else ack.result()


def _contradiction(index: int) -> Conflict:
    return Conflict(f"The identifiers of the {ordinal(index + 1)} item name different profiles")
