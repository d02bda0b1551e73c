"""Create or update many companies at once (contract §10), in slices as profiles are (`api.commands.batching`).

Each slice is folded before the next one is appended: every node holds all companies, so an answered batch is applied.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from api.commands.batching import Received
from api.commands.companies import (
    TOO_LARGE,
    CompanyDraft,
    company_event,
    draft_company,
    no_identifier_sentence,
)
from api.commands.item_errors import ItemErrors, named
from api.envelopes import Slice, decode_item, in_steps, slices
from projections.batches import Batch
from schemas.errors import NotFound, RequestError, Unprocessable
from schemas.events import BatchReceived, CompanyUpserted, encode
from schemas.identity import event_key, random_id
from streams.clock import now
from streams.node import Node

# The fold did not take the event, because the company was deleted at the same moment.
_DELETED: Final = ("spent", "missing")


class CompanyBatchWriter:
    """Handles one batch of companies of one account; `item_limit` is in bytes."""

    def __init__(
        self,
        node: Node,
        account: str,
        *,
        ignore_missing: bool,
        item_limit: int,
        turn: asyncio.Lock,
    ) -> None:
        self._node = node
        self._account = account
        self._ignore = ignore_missing
        self._item_limit = item_limit
        self._turn = turn
        self._at = now()
        self._errors = ItemErrors()
        self._skipped = 0

    async def write(self, items: Sequence[msgspec.Raw]) -> tuple[Received, Batch]:
        """Write every good item; returns when all are folded. Raises `Unavailable`."""
        received = len(items)
        for part in slices(items):
            drafts = await self._drafts(part)
            while drafts:
                drafts = await self._write(drafts)
            await asyncio.sleep(0)  # a slice of bad items waits for nothing
        failed = self._errors.count
        event = BatchReceived(
            account=self._account,
            at=self._at,
            id=random_id(),
            received=received,
            accepted=received - failed - self._skipped,
            skipped=self._skipped,
            failed=failed,
            last={},
        )
        node = self._node
        partition = node.identity.partition_of_id(event.id)
        await node.appender.append(node.topics.events, partition, event_key(), encode(event))
        return Received(event.id, self._errors.failures(), {}), Batch.of(event)

    async def _write(self, drafts: Mapping[int, CompanyDraft]) -> dict[int, CompanyDraft]:
        """Write a slice; returns what has to be written again, by index."""
        events: dict[int, CompanyUpserted] = {}
        for index, write in drafts.items():
            try:
                event = self._event(write)
            except RequestError as error:
                self._refuse(index, error)
            else:
                if event is None:
                    self._skipped += 1
                else:
                    events[index] = event
        verdicts = await self._node.company_log.write(list(events.values())) if events else []
        again: dict[int, CompanyDraft] = {}
        for index, verdict in zip(events, verdicts, strict=True):
            if verdict.outcome in _DELETED:
                again[index] = drafts[index]
            elif verdict.outcome == "too_large":
                self._refuse(index, Unprocessable(TOO_LARGE))
        return again

    async def _drafts(self, part: Slice) -> dict[int, CompanyDraft]:
        drafts: dict[int, CompanyDraft] = {}
        await in_steps(part, self._turn, lambda step: self._draft_all(step, drafts))
        return drafts

    def _draft_all(self, step: Slice, drafts: dict[int, CompanyDraft]) -> None:
        for index, item in enumerate(step.items, step.start):
            try:
                drafts[index] = self._draft(index, item)
            except RequestError as error:
                self._refuse(index, error)

    def _draft(self, index: int, item: msgspec.Raw) -> CompanyDraft:
        try:
            write = draft_company(decode_item(item, self._item_limit), self._at)
        except Unprocessable as error:
            raise Unprocessable(str(error)) from None
        if not write.identified:
            raise Unprocessable(no_identifier_sentence(index + 1))
        return write

    def _event(self, write: CompanyDraft) -> CompanyUpserted | None:
        """The event of an item; None for what `ignore` leaves out."""
        try:
            event = company_event(self._node, self._account, write, self._at)
        except NotFound:
            if self._ignore:
                return None
            raise
        known = self._node.companies.get(event.id, self._account) is not None
        return event if known or not self._ignore else None

    def _refuse(self, index: int, error: RequestError) -> None:
        self._errors.add(error.code, index, named(error.messages[0], index))
