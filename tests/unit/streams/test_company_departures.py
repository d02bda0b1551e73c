"""A deleted company leaves its profiles, wherever its node is killed (`streams.erasure.company_deletion`)."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.companies.fold import Companies, CompanyDeletion, CompanyVerdict
from projections.fold.verdict import Verdict
from projections.partition import Origin
from projections.profiles import ProfileState
from schemas.events import (
    CompanyDeleted,
    CompanyEvent,
    CompanyLeft,
    CompanyUpserted,
    ProfileForgotten,
    decode_profile_event,
    encode,
)
from schemas.identity import Identity, event_key
from streams.erasure.company_deletion import CompanyDeletions
from streams.log.appender import Keyed
from streams.log.topics import Topics
from streams.partition.expected_verdicts import ExpectedVerdicts
from tests.support.folding import ACCOUNT, AT, upserted
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

PARTITIONS = 2
IDENTITY = Identity(b"k" * 32, PARTITIONS)
TOPICS = Topics(PARTITIONS)
DELETION = "d" * 24
MEMBERS = 450
ACME = IDENTITY.company_id(ACCOUNT, "acme")


async def nobody_elsewhere(
    deletion: str, number: int, but: Set[int]
) -> tuple[bool, list[tuple[str, str]]]:
    """All partitions are here."""
    assert deletion
    assert number
    assert but == set(range(TOPICS.partitions))
    return True, []


class Killed(BaseException):
    """The process ends here."""


class Disk:
    """What outlives a kill: the topics and the states."""

    def __init__(self) -> None:
        self.logs: list[list[Keyed]] = [[] for _ in range(PARTITIONS)]
        self.company_log: list[Keyed] = []
        self.storages = [MemoryStorage() for _ in range(PARTITIONS)]

    def join(self, uid: str, company: str) -> None:
        partition = IDENTITY.partition_of_hash(IDENTITY.uid_hash(ACCOUNT, uid))
        event = upserted(uid, company_id=company)
        self.logs[partition].append((event_key(), encode(event)))

    def said(self) -> list[CompanyLeft | ProfileForgotten]:
        events = [decode_profile_event(value or b"") for log in self.logs for _, value in log]
        return [event for event in events if isinstance(event, CompanyLeft | ProfileForgotten)]


class Life:
    """A node from its start to its end: it dies at its `appends`-th append, before or after Kafka has that."""

    def __init__(self, disk: Disk, appends: int | None = None, *, arrives: bool = True) -> None:
        self._disk = disk
        self._appends = appends
        self._arrives = arrives
        self.verdicts = ExpectedVerdicts[Verdict](timeout=60)
        self.unfinished = asyncio.Event()
        self.finished = asyncio.Event()
        self.companies = Companies(IDENTITY)
        self.states = [
            ProfileState(storage, Origin("log", "profile-events", n, PARTITIONS, "x"), IDENTITY)
            for n, storage in enumerate(disk.storages)
        ]
        for n in range(PARTITIONS):
            self._fold(n)
        for record in disk.company_log:
            self._apply(record)

    def _fold(self, partition: int) -> None:
        state, log = self.states[partition], self._disk.logs[partition]
        new = [Record(n, *log[n]) for n in range(state.applied + 1, len(log))]
        for key, verdict in state.apply(new):
            self.verdicts.report(key, verdict)

    def _apply(self, record: Keyed) -> CompanyVerdict | None:
        verdict = self.companies.apply(*record)
        if self.companies.unfinished:
            self.unfinished.set()
        elif self.companies.deletions:
            self.finished.set()
        return verdict

    def _take(self, log: list[Keyed], records: Sequence[Keyed]) -> None:
        if self._appends is not None:
            self._appends -= 1
            if self._appends < 0:
                if self._arrives:
                    log.extend(records)
                raise Killed
        log.extend(records)

    # what it needs of the appender

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> list[asyncio.Future[int]]:
        assert topic == TOPICS.events
        self._take(self._disk.logs[partition], records)
        self._fold(partition)
        return []

    async def wait(self, done: asyncio.Future[int]) -> int:
        return await done

    # of the partitions

    def owned_profiles(self) -> Mapping[int, ProfileState]:
        return dict(enumerate(self.states))

    def profiles(self, partition: int) -> ProfileState:
        return self.states[partition]

    # of the companies' log

    async def write(self, events: Sequence[CompanyEvent]) -> Sequence[CompanyVerdict]:
        records = [(event_key(), encode(event)) for event in events]
        self._take(self._disk.company_log, records)
        return [verdict for record in records if (verdict := self._apply(record)) is not None]

    async def erase(self, keys: Iterable[bytes]) -> None:
        records: list[Keyed] = [(key, None) for key in keys]
        self._take(self._disk.company_log, records)
        for record in records:
            self._apply(record)

    # its life

    @property
    def deletion(self) -> CompanyDeletion:
        (deletion,) = self.companies.deletions
        return deletion

    async def live(self) -> CompanyDeletions:
        """Until the deletion is finished. Raises `Killed`."""
        deletions = CompanyDeletions(TOPICS, self, self, self, self.verdicts, nobody_elsewhere)
        assert not (await deletions.wait_left(self.deletion, 0)).is_done
        running = asyncio.create_task(deletions.run())
        finished = asyncio.create_task(self.finished.wait())
        try:
            await asyncio.wait({running, finished}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            return deletions
        finally:
            running.cancel()
            finished.cancel()
            await asyncio.gather(running, finished, return_exceptions=True)


@cache
def _members() -> Disk:
    """A company with members, folded; not to be changed."""
    disk = Disk()
    for n in range(MEMBERS):
        disk.join(f"u{n}", ACME)
    made = CompanyUpserted(account=ACCOUNT, at=AT, id=ACME, uid="acme")
    disk.company_log.append((event_key(), encode(made)))
    Life(disk)
    return disk


def a_deleted_company(*, cascade: bool) -> Disk:
    known, disk = _members(), Disk()
    disk.logs = [list(log) for log in known.logs]
    disk.storages = [MemoryStorage(storage.snapshot()) for storage in known.storages]
    deleted = CompanyDeleted(account=ACCOUNT, at=AT, id=ACME, deletion=DELETION, cascade=cascade)
    disk.company_log = [*known.company_log, (event_key(), encode(deleted))]
    return disk


def assert_all_have_left(life: Life, disk: Disk, kind: type) -> None:
    assert all(state.members(ACME, 1) == [] for state in life.states)
    assert not life.companies.unfinished
    assert {type(event) for event in disk.said()} == {kind}
    times = Counter(event.id for event in disk.said())
    assert len(times) == MEMBERS
    assert set(times.values()) == {1}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=4),
    st.sampled_from([(False, CompanyLeft), (True, ProfileForgotten)]),
)
def test_whenever_it_is_killed_each_member_leaves_once(
    kills: list[tuple[int, bool]], way: tuple[bool, type]
) -> None:
    cascade, kind = way
    disk = a_deleted_company(cascade=cascade)

    async def lives() -> None:
        for appends, arrives in kills:
            life = Life(disk, appends, arrives=arrives)
            try:
                if life.companies.unfinished:
                    await life.live()
            except Killed:
                continue
        life = Life(disk)
        if life.companies.unfinished:
            await life.live()
        assert_all_have_left(life, disk, kind)

    asyncio.run(lives())


def test_a_deletion_is_settled_when_nobody_is_a_member() -> None:
    disk = a_deleted_company(cascade=False)

    async def live() -> None:
        life = Life(disk)
        deletions = await life.live()
        assert (await deletions.wait_left(life.deletion, 0)).is_done
        assert life.deletion.tombstoned is not None
        assert life.deletion.tombstoned.events == 1

    asyncio.run(live())


def test_who_joins_late_is_no_member() -> None:
    disk = a_deleted_company(cascade=False)

    async def live() -> None:
        await Life(disk).live()
        disk.join("late", ACME)
        disk.join("u0", ACME)
        life = Life(disk)
        assert_all_have_left(life, disk, CompanyLeft)

    asyncio.run(live())
