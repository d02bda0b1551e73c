"""Companies as items of a batch (contract §10).

Each slice is folded before the next one is appended: every node holds all companies, so an answered batch is applied.
"""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from api.commands.batches.writer import Appended, BatchContext
from api.commands.companies import (
    NO_COMPANY,
    TOO_LARGE,
    CompanyDraft,
    company_event,
    draft_company,
    no_identifier_sentence,
)
from schemas.errors import NotFound, RequestError, Unprocessable
from schemas.events import CompanyUpserted
from streams.clock import now

# The fold passed the event over, because the company was deleted at the same moment.
_DELETED: Final = ("spent", "missing")


class CompanyItems:
    """The items of one batch of companies."""

    def __init__(self, context: BatchContext) -> None:
        self._node = context.node
        self._account = context.account
        self._ignore = context.ignore_missing

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncGenerator[int]:
        """Raises `Unavailable` when the time is not known."""
        yield now()

    draft = staticmethod(draft_company)

    async def prepare(self, drafts: Mapping[int, CompanyDraft], at: int) -> None:
        """Companies presuppose nothing."""

    async def fetch(self, index: int, write: CompanyDraft) -> None:
        """Every node has all companies."""

    def event(self, index: int, write: CompanyDraft, at: int) -> CompanyUpserted:
        """Raises `Unprocessable`, `NotFound`, `Conflict`."""
        if not write.identified:
            raise Unprocessable(no_identifier_sentence(index + 1))
        event = company_event(self._node, self._account, write, at)
        if self._ignore and self._node.companies.get(event.id, self._account) is None:
            raise NotFound(NO_COMPANY)
        return event

    async def append(self, events: Mapping[int, CompanyUpserted]) -> Appended:
        """Appends the events of a slice and waits for their fold."""
        verdicts = await self._node.company_log.write(list(events.values())) if events else []
        refused: dict[int, RequestError] = {}
        again: list[int] = []
        for index, verdict in zip(events, verdicts, strict=True):
            if verdict.outcome in _DELETED:
                again.append(index)
            elif verdict.outcome == "too_large":
                refused[index] = Unprocessable(TOO_LARGE)
        return Appended(refused, again)

    async def acknowledged(self) -> dict[int, int]:
        """All is folded, and the answer has no position."""
        return {}
