"""How a deleted company leaves its profiles, and is erased itself (design "Companies").

What is left to do is read off the state, never remembered: so a kill at any moment, or another owner, goes on where
it was. `company-deleted` is in the log when this begins, and from its fold on no read shows the company.

1. The owner of each partition appends `company-gone` to it, unless its state has that already. From its fold on
   nobody in the partition joins the company.
2. While membership rows of the company are left, each of those profiles gets a record of its own: that it left, or,
   with cascade, that it is forgotten. Its fold removes the row. A record that comes twice finds nothing to do.
3. When no partition has members left, the owner of partition 0 appends a tombstone for each record of the company,
   then `company-tombstoned`: the receipt says so and when.
"""

import asyncio
import contextlib
import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from projections.companies.fold import Companies, CompanyDeletion, CompanyVerdict
from projections.fold.verdict import Verdict
from projections.profiles import ProfileState
from schemas.errors import Unavailable
from schemas.events import (
    CompanyEvent,
    CompanyGone,
    CompanyLeft,
    CompanyTombstoned,
    ProfileEvent,
    ProfileForgotten,
    encode,
)
from schemas.identity import event_keys
from streams.appender import Keyed
from streams.clock import now
from streams.forgetting import forget_event
from streams.topics import Topics

log = logging.getLogger(__name__)

# Members that leave together: as few as the owner folds straight after the acknowledgement.
_PAGE: Final = 200
# How long a partition that has just come here may wait for somebody to look at it.
_LOOK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5


class Appends(Protocol):
    """What this needs of the appender (`streams.appender`)."""

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> "list[asyncio.Future[int]]": ...

    async def wait(self, done: "asyncio.Future[int]") -> int: ...


class Partitions(Protocol):
    """What this needs of the worker (`streams.worker`)."""

    def owned_profiles(self) -> Mapping[int, ProfileState]: ...

    def profiles(self, partition: int) -> ProfileState: ...


class Verdicts(Protocol):
    """What departures need of the fold (`streams.folding`)."""

    def expect(self, key: bytes) -> "asyncio.Future[Verdict]": ...

    def cancel_wait(self, key: bytes) -> None: ...


class CompanyWrites(Protocol):
    """What this needs of the companies' log (`streams.company_log`)."""

    companies: Companies
    unfinished: asyncio.Event

    async def write(self, events: Sequence[CompanyEvent]) -> Sequence[CompanyVerdict]: ...

    async def erase(self, keys: Iterable[bytes]) -> None: ...


class ForgottenMember(NamedTuple):
    """A member who was forgotten with the company, and the deletion's receipt."""

    profile: str
    deletion: str


class Departures:
    """Carries out deletions of companies for the partitions of this node. `timeout` (seconds): of one fold."""

    def __init__(
        self,
        topics: Topics,
        appender: Appends,
        companies: CompanyWrites,
        worker: Partitions,
        verdicts: Verdicts,
        *,
        timeout: float,
    ) -> None:
        self._topics = topics
        self._appender = appender
        self._log = companies
        self._companies = companies.companies
        self._worker = worker
        self._verdicts = verdicts
        self._timeout = timeout
        # By partition: the state that was looked at, and the number of the last deletion that it is done with.
        self._done: dict[int, tuple[ProfileState, int]] = {}
        # By the deletion that somebody waits for.
        self._forgotten: dict[str, list[ForgottenMember]] = {}
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Go on for ever; what fails is tried again."""
        while True:
            # No `wait_for`: in Python 3.11 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._log.unfinished.wait()
            self._log.unfinished.clear()
            try:
                await self._look()
            except Unavailable as error:
                log.warning("the deletion of a company is tried again: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:
                log.error("the deletion of a company is tried again: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    @contextlib.contextmanager
    def forgetting(self, deletion: str) -> Generator[list[ForgottenMember]]:
        """The members whom this deletion has forgotten, as they are; to be entered before it is in the log."""
        forgotten = self._forgotten[deletion] = list[ForgottenMember]()
        try:
            yield forgotten
        finally:
            del self._forgotten[deletion]

    async def settled(self, deletion: CompanyDeletion, seconds: float) -> bool:
        """Wait until nobody of this node's partitions is a member; False when the time is up first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._progress:
                await self._progress.wait_for(lambda: self._is_settled(deletion))
        return self._is_settled(deletion)

    def _is_settled(self, deletion: CompanyDeletion) -> bool:
        states = self._worker.owned_profiles()
        # One that is not here may have members: it catches up, or has stopped.
        return len(states) == self._topics.partitions and all(
            self._from(partition, state) >= deletion.number for partition, state in states.items()
        )

    def _from(self, partition: int, state: ProfileState) -> int:
        """The number of the last deletion that the partition is done with; 0 when its state is a new one."""
        known, done = self._done.get(partition, (None, 0))
        return done if known is state else 0

    async def _look(self) -> None:
        deletions = list(self._companies.deletions)
        states = self._worker.owned_profiles()
        behind = {
            partition: deletions[done:]
            for partition, state in states.items()
            if (done := self._from(partition, state)) < len(deletions)
        }
        await asyncio.gather(*(self._leave(partition, new) for partition, new in behind.items()))
        if behind:
            async with self._progress:
                for partition, new in behind.items():
                    self._done[partition] = states[partition], new[-1].number
                self._progress.notify_all()
        if 0 in states:
            for deletion in list(self._companies.unfinished.values()):
                if self._is_settled(deletion):
                    await self._erase(deletion)

    async def _leave(self, partition: int, deletions: Sequence[CompanyDeletion]) -> None:
        """Steps 1 and 2 in one partition."""
        joinable = set(
            self._worker.profiles(partition).joinable(deletion.company for deletion in deletions)
        )
        if gone := [
            CompanyGone(account=deletion.account, at=deletion.at, company=deletion.company)
            for deletion in deletions
            if deletion.company in joinable
        ]:
            await self._append(partition, gone)
        for deletion in deletions:
            while events := self._partings(partition, deletion):
                await self._append(partition, events)
                self._note(partition, deletion, events)

    def _note(
        self, partition: int, deletion: CompanyDeletion, events: Sequence[ProfileEvent]
    ) -> None:
        forgotten = self._forgotten.get(deletion.id)
        if forgotten is None:
            return
        state = self._worker.profiles(partition)
        forgotten += [
            ForgottenMember(event.id, event.deletion)
            for event in events
            # Without a receipt somebody else's forget came first.
            if isinstance(event, ProfileForgotten)
            and state.receipt(event.deletion, event.account) is not None
        ]

    def _partings(self, partition: int, deletion: CompanyDeletion) -> list[ProfileEvent]:
        """The next records of step 2; none when nobody is a member any more."""
        state = self._worker.profiles(partition)
        members = state.members(deletion.company, _PAGE)
        if not deletion.cascade:
            return [
                CompanyLeft(account=deletion.account, at=now(), id=id_, company=deletion.company)
                for id_ in members
            ]
        found = [state.read_by_id(id_, deletion.account) for id_ in members]
        return [forget_event(state, profile, now()) for profile in found if profile is not None]

    async def _append(self, partition: int, events: Sequence[ProfileEvent]) -> None:
        """Append the events and wait until the last of them, and so all, are folded. Raises `Unavailable`."""
        keys = event_keys(len(events))
        records = [(key, encode(event)) for key, event in zip(keys, events, strict=True)]
        folded = self._verdicts.expect(keys[-1])
        try:
            for ack in await self._appender.append_many(self._topics.events, partition, records):
                await self._appender.wait(ack)
            async with asyncio.timeout(self._timeout):
                await folded
        except TimeoutError:
            raise Unavailable("what was appended is not folded yet") from None
        finally:
            self._verdicts.cancel_wait(keys[-1])

    async def _erase(self, deletion: CompanyDeletion) -> None:
        """Step 3."""
        if deletion.pending:
            await self._log.erase(list(deletion.pending))
        if deletion.tombstoned is None:
            event = CompanyTombstoned(
                account=deletion.account, at=now(), id=deletion.id, events=deletion.events
            )
            await self._log.write([event])
