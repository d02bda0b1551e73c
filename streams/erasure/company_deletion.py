"""How a deleted company leaves its profiles, and is erased itself (design "Companies").

What is left to do is read from the state, never remembered: so after a kill at any moment the same or another owner
goes on. `company-deleted` is in the log when this begins, and from its fold on no read shows the company.

1. The owner of each partition appends `company-gone` to it, unless its state has that already. From its fold on
   nobody in the partition joins the company.
2. While membership rows of the company are left, each of those profiles gets a record of its own: that it left, or,
   with cascade, that it is forgotten. Its fold removes the row. A record that comes twice finds nothing to do.
3. When no partition has members left, those of other nodes included, the owner of partition 0 appends a tombstone for
   each record of the company, then `company-tombstoned`: the receipt says so and when.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple, Protocol

from cachetools import TTLCache

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
from streams.clock import now
from streams.erasure.forget_event import forget_event
from streams.log.topics import Topics
from streams.partition.expected_verdicts import Appends, ExpectedVerdicts
from streams.timed_wait import set_within

log = logging.getLogger(__name__)

# Members that leave together: as few as the owner folds straight after the acknowledgement.
_PAGE: Final = 200
# How long a partition that was just acquired may wait until it is checked for members.
_CHECK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5
_REMEMBERED: Final = 1000  # deletions in a partition
_REMEMBERED_SECONDS: Final = 60.0


class Partitions(Protocol):
    """What this needs of the owned partitions (`streams.partition.owned_partitions`)."""

    def owned_profiles(self) -> Mapping[int, ProfileState]: ...

    def profiles(self, partition: int) -> ProfileState: ...


class CompanyWrites(Protocol):
    """What this needs of the companies' log (`streams.replicas.company_log`)."""

    companies: Companies
    unfinished: asyncio.Event

    async def write(self, events: Sequence[CompanyEvent]) -> Sequence[CompanyVerdict]: ...

    async def erase(self, keys: Iterable[bytes]) -> None: ...


class ForgottenMember(NamedTuple):
    """A member who was forgotten with the company, and the deletion's receipt."""

    profile: str
    deletion: str


class Left(NamedTuple):
    """Whether nobody is a member any more, and the members who were forgotten."""

    is_done: bool
    forgotten: list[ForgottenMember]


LeftElsewhere = Callable[[str, int, Set[int]], Awaitable[tuple[bool, list[tuple[str, str]]]]]
"""Of a deletion, by its id and number, and all partitions but these, which other nodes own: whether nobody is a member
there, and the members who were forgotten, with their receipts. It waits a while for that. Raises `Unavailable`."""


class CompanyDeletions:
    """Carries out deletions of companies for the partitions of this node."""

    def __init__(
        self,
        topics: Topics,
        appender: Appends,
        companies: CompanyWrites,
        partitions: Partitions,
        verdicts: ExpectedVerdicts[Verdict],
        left_elsewhere: LeftElsewhere,
    ) -> None:
        self._topics = topics
        self._appender = appender
        self._log = companies
        self._companies = companies.companies
        self._partitions = partitions
        self._verdicts = verdicts
        self._left_elsewhere = left_elsewhere
        # By partition: its state, and the number of the last deletion that nothing is left of in that.
        self._done: dict[int, tuple[ProfileState, int]] = {}
        # By deletion and partition, for the requests that wait for them, at whatever node.
        self._forgotten = TTLCache[tuple[str, int], list[ForgottenMember]](
            _REMEMBERED, _REMEMBERED_SECONDS
        )
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Carries deletions out until it is cancelled; what fails is tried again."""
        while True:
            await set_within(self._log.unfinished, _CHECK_SECONDS)
            self._log.unfinished.clear()
            try:
                await self._carry_out()
            except Unavailable as error:
                log.warning("the deletion of a company is tried again: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:
                log.error("the deletion of a company is tried again: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def wait_left(self, deletion: CompanyDeletion, seconds: float) -> Left:
        """Waits until no profile of any partition is a member, at most so long. Raises `Unavailable`."""
        here = set(self._partitions.owned_profiles())
        is_done, elsewhere = False, list[tuple[str, str]]()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for partition in here:
                    await self.left(partition, deletion.id, deletion.number)
                while not is_done:
                    is_done, elsewhere = await self._left_elsewhere(
                        deletion.id, deletion.number, here
                    )
        members = [
            member
            for partition in sorted(here)
            for member in self._forgotten.get((deletion.id, partition), [])
        ]
        return Left(is_done, members + [ForgottenMember(*each) for each in elsewhere])

    async def left(self, partition: int, deletion: str, number: int) -> list[ForgottenMember]:
        """Waits until nobody in a partition of this node is a member; the members who were forgotten.

        Raises `Elsewhere`, `Unavailable`.
        """
        async with self._progress:
            await self._progress.wait_for(lambda: self._has_left(partition, number))
        return self._forgotten.get((deletion, partition), [])

    def _has_left(self, partition: int, number: int) -> bool:
        # A partition that is not here may have members: it catches up, or has stopped.
        return self._done_up_to(partition, self._partitions.profiles(partition)) >= number

    def _done_up_to(self, partition: int, state: ProfileState) -> int:
        """The number of the last deletion that nothing is left of in the partition; 0 when its state is new."""
        known, done = self._done.get(partition, (None, 0))
        return done if known is state else 0

    async def _carry_out(self) -> None:
        deletions = list(self._companies.deletions)
        states = self._partitions.owned_profiles()
        behind = {
            partition: deletions[done:]
            for partition, state in states.items()
            if (done := self._done_up_to(partition, state)) < len(deletions)
        }
        await asyncio.gather(*(self._leave(partition, new) for partition, new in behind.items()))
        if behind:
            async with self._progress:
                for partition, new in behind.items():
                    self._done[partition] = states[partition], new[-1].number
                self._progress.notify_all()
        if 0 in states:
            for deletion in list(self._companies.unfinished.values()):
                if await self._has_left_everywhere(deletion):
                    await self._erase(deletion)

    async def _has_left_everywhere(self, deletion: CompanyDeletion) -> bool:
        here = set(self._partitions.owned_profiles())
        if not all(self._has_left(partition, deletion.number) for partition in here):
            return False
        is_done, _ = await self._left_elsewhere(deletion.id, deletion.number, here)
        return is_done

    async def _leave(self, partition: int, deletions: Sequence[CompanyDeletion]) -> None:
        """Steps 1 and 2 in one partition."""
        joinable = set(
            self._partitions.profiles(partition).joinable(
                deletion.company for deletion in deletions
            )
        )
        if gone := [
            CompanyGone(account=deletion.account, at=deletion.at, company=deletion.company)
            for deletion in deletions
            if deletion.company in joinable
        ]:
            await self._append(partition, gone)
        for deletion in deletions:
            while events := self._parting_events(partition, deletion):
                await self._append(partition, events)
                self._note(partition, deletion, events)

    def _note(
        self, partition: int, deletion: CompanyDeletion, events: Sequence[ProfileEvent]
    ) -> None:
        if not deletion.cascade:
            return
        forgotten = self._forgotten.setdefault((deletion.id, partition), [])
        state = self._partitions.profiles(partition)
        forgotten += [
            ForgottenMember(event.id, event.deletion)
            for event in events
            # Without a receipt another forget came first.
            if isinstance(event, ProfileForgotten)
            and state.receipt(event.deletion, event.account) is not None
        ]

    def _parting_events(self, partition: int, deletion: CompanyDeletion) -> list[ProfileEvent]:
        """The next records of step 2; none when nobody is a member any more."""
        state = self._partitions.profiles(partition)
        members = state.members(deletion.company, _PAGE)
        if not deletion.cascade:
            return [
                CompanyLeft(account=deletion.account, at=now(), id=id_, company=deletion.company)
                for id_ in members
            ]
        found = [state.read_by_id(id_, deletion.account) for id_ in members]
        return [forget_event(state, profile, now()) for profile in found if profile is not None]

    async def _append(self, partition: int, events: Sequence[ProfileEvent]) -> None:
        """Append the events and wait until all are folded. Raises `Unavailable`."""
        records = [*zip(event_keys(len(events)), map(encode, events), strict=True)]
        await self._verdicts.append(self._appender, self._topics.events, partition, records)

    async def _erase(self, deletion: CompanyDeletion) -> None:
        """Step 3."""
        if deletion.pending:
            await self._log.erase(list(deletion.pending))
        if deletion.tombstoned is None:
            event = CompanyTombstoned(
                account=deletion.account, at=now(), id=deletion.id, events=deletion.events
            )
            await self._log.write([event])
