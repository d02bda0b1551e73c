"""A store of profiles answers like a dict, whatever is done in whatever order.

Twice, with the same rules. In memory, over the real fold, relay, email index and purge, an example takes
milliseconds: so there are many, the cleaner may make half a pass at any moment, and all promises of
`tests.faults.promises` are checked beside the dict. Over HTTP, on a real service and broker, a purge takes ten
seconds and a restart some: so there are a few long examples, in which what is slow happens once or twice. They show
that the parts that are real only there (the api, RocksDB, Kafka, the cleaner, a process that dies) play along.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import httpx
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from projections.deletions import has_waiting
from schemas.identifiers import fold_email
from schemas.identity import slot_of
from tests.faults import cast
from tests.faults.cast import ACCOUNT, EVENTS, MAILBOXES, SOURCES
from tests.faults.clients import Kind, Write
from tests.faults.dictionary import UNSET, AgainstDict, Store
from tests.faults.simulation import World
from tests.support.kafka import hurry
from tests.support.service import Account, Service, eventually, marked_email

_ANYTHING: Final = st.integers(0, 1 << 12)
_KINDS: Final[Mapping[str, Kind]] = {"uid": "by uid", "id": "by id", "email": "by email"}


class MemoryStore:
    """The world of the random schedules, at rest between any two rules."""

    mailboxes = tuple(mailbox.text for mailbox in MAILBOXES)

    def __init__(self) -> None:
        self.world = World()
        for source in SOURCES:
            self.world.cluster.assign(source, 0)
        self.world.work()
        self._users: dict[str, str] = {}

    def upsert(self, who: Mapping[str, str], properties: Mapping[str, object]) -> bool:
        ((name, value),) = who.items()
        uid = self._users.get(value, value)
        write = self.world.clients.put(
            _KINDS[name],
            cast.user(uid),
            cast.email(fold_email(value)),
            {name: value for name, value in properties.items() if value != UNSET},
            [name for name, value in properties.items() if value == UNSET],
        )
        return self._take(write)

    def clear(self, uid: str) -> bool:
        return self._take(self.world.clients.clear(cast.user(uid)))

    def forget(self, uid: str) -> bool:
        return self._take(self.world.clients.forget(cast.user(uid)))

    def _take(self, write: Write | None) -> bool:
        if write is None:
            return False
        self.world.clients.send(write)
        self.world.work()
        assert write.answered is not None
        return write.taken

    def read(self, who: Mapping[str, str]) -> bytes | None:
        ((name, value),) = who.items()
        if name == "email":
            found = self.world.clients.by_email(cast.email(fold_email(value)))
            return None if found is None else self.read({"id": found})
        user = cast.user(value) if name == "uid" else None
        partition = slot_of(value) % len(EVENTS) if user is None else user.partition
        replica = self.world.cluster.serving(EVENTS[partition])
        assert replica is not None
        profiles = replica.profiles
        stored = (
            profiles.read_by_id(value, ACCOUNT)
            if user is None
            else profiles.read(user.hash, ACCOUNT)
        )
        if stored is None:
            return None
        self._users[stored.id] = stored.document()["uid"]
        return b'{"profile":%b}' % stored.json

    def purge(self) -> None:
        self.world.beat(0, 0, 0, 0)
        for number, source in enumerate(EVENTS):
            self.world.compact(SOURCES.index(source), 0, 0, 1)
            self.world.purge(number, 0, 0, 0)
            self.world.work()
            replica = self.world.cluster.owner(source)
            assert replica is not None
            assert not has_waiting(replica.state.storage)

    def restart(self, *, kill: bool) -> None:
        for node in self.world.cluster.nodes:
            self.world.cluster.crash(node, lost=kill)
        self._begin()

    def rebuild(self) -> None:
        for node in self.world.cluster.nodes:
            self.world.cluster.crash(node)
            node.disks.clear()
        self._begin()

    def _begin(self) -> None:
        for source in SOURCES:
            self.world.cluster.assign(source, 0)
        self.world.work()

    def finish(self) -> None:
        self.world.come_to_rest()


class InMemory(AgainstDict):
    """With a cleaner that stops where it likes."""

    def new_store(self) -> Store:
        return MemoryStore()

    @rule(a=_ANYTHING, b=_ANYTHING, c=_ANYTHING, d=_ANYTHING)
    def the_cleaner_makes_half_a_pass(self, a: int, b: int, c: int, d: int) -> None:
        assert isinstance(self.store, MemoryStore)
        self.store.world.compact(a, b, c, d)
        self.store.world.check(0, 0, 0, 0)


def test_the_fold_the_relay_and_the_purge_answer_like_a_dict() -> None:
    run_state_machine_as_test(
        InMemory, settings=settings(max_examples=150, stateful_step_count=40, deadline=None)
    )


class HttpStore:
    """A running service, whose topics are rolled and compacted every second."""

    def __init__(self, service: Service, account: Account) -> None:
        self._service = service
        self._account = account
        self._deletions: list[str] = []
        self.mailboxes = [fold_email(marked_email()) for _ in range(2)]
        hurry(service)

    def upsert(self, who: Mapping[str, str], properties: Mapping[str, object]) -> bool:
        return _found(self._account.upsert(**who, **properties))

    def clear(self, uid: str) -> bool:
        return _found(self._account.clear(uid=uid))

    def forget(self, uid: str) -> bool:
        answer = self._account.forget(uid=uid)
        if _found(answer):
            self._deletions.append(answer.json()["deletion"]["id"])
            return True
        return False

    def read(self, who: Mapping[str, str]) -> bytes | None:
        answer = self._account.read(**who)
        return answer.content if _found(answer) else None

    def purge(self) -> None:
        for deletion in self._deletions:
            self._account.purged(deletion)
        eventually(lambda: "deletions" not in self._service.http.get("/ready").json())

    def restart(self, *, kill: bool) -> None:
        if kill:
            self._service.kill()
        else:
            assert self._service.terminate() == 0
        self._service.start()
        hurry(self._service)

    def rebuild(self) -> None:
        self._service.kill()
        self._service.lose_state()
        self._service.start()
        hurry(self._service)

    def finish(self) -> None:
        """All that was forgotten is purged, and stays so."""
        self.purge()
        receipts = [self._account.receipt(deletion) for deletion in self._deletions]
        assert {receipt["status"] for receipt in receipts} <= {"purged"}


def _found(answer: httpx.Response) -> bool:
    assert answer.status_code in {200, 201, 404}, answer.text
    return answer.status_code != 404


def test_a_service_on_a_broker_answers_like_a_dict(own_service: Service) -> None:
    account = own_service.create_account("A")

    class OverHttp(AgainstDict):
        at_most: ClassVar[Mapping[str, int]] = {"purge": 1, "restart": 2, "rebuild": 1}

        def new_store(self) -> Store:
            return HttpStore(own_service, account)

    # Nothing is made smaller: an example that fails is read as it is, and took a minute.
    run_state_machine_as_test(
        OverHttp,
        settings=settings(
            max_examples=3,
            stateful_step_count=40,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            derandomize=True,
        ),
    )
