"""The service, killed, robbed of its state, and asked by many at once (design "Promises")."""

# aiokafka is not annotated. Of what it returns, this file uses names of topics only.
# pyright: reportUnknownMemberType=false

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.log.kafka_access import KafkaAccess
from tests.support.service import Account, Service, eventually, marked, marked_email

WRITERS = 8
BATCH_SIZE = 20_000


# --- kill -9 while single upserts run


@dataclass
class Writer:
    """A product that writes to one user, each time another property, and remembers what it knows."""

    account: Account
    changes_email: bool
    uid: str = field(default_factory=lambda: marked("uid"))
    answered: set[str] = field(default_factory=set[str])
    in_doubt: set[str] = field(default_factory=set[str])
    emails: dict[str, str] = field(default_factory=dict[str, str])

    def write(self) -> bool:
        """One write; False when the service is gone."""
        n = len(self.answered) + len(self.in_doubt)
        name = f"w{n}"
        parameters: dict[str, object] = {"uid": self.uid, "n": n, name: marked()}
        if self.changes_email:
            self.emails[name] = marked_email()
            parameters["email"] = self.emails[name]
        try:
            answer = self.account.upsert(**parameters)
        except httpx.TransportError:
            self.in_doubt.add(name)
            return False
        assert answer.is_success, answer.text
        self.answered.add(name)
        return True

    def write_until_gone(self) -> None:
        while self.write():
            pass

    def check(self) -> None:
        """Every answered write is there; one in doubt is, or is not."""
        profile = self.account.profile(uid=self.uid)
        there = self.there(profile)
        assert self.answered <= there <= self.answered | self.in_doubt
        last = max(there, key=lambda name: int(name[1:]))
        assert profile["n"] == int(last[1:])
        if self.changes_email:
            assert profile["email"] == self.emails[last]
            holders = [name for name, email in self.emails.items() if self.account.has(email=email)]
            assert holders == [last]
            assert self.account.profile(email=self.emails[last]) == profile

    def there(self, profile: dict[str, Any]) -> set[str]:
        return {name for name in profile if name[0] == "w" and name[1:].isdigit()}

    def count_events(self) -> int:
        """How many records of the log were about the user; erases them."""
        deletion = self.account.forget(uid=self.uid).json()["deletion"]["id"]
        return self.account.receipt(deletion)["events"]


def test_a_kill_loses_no_answered_write_and_doubles_none(own_service: Service) -> None:
    account = own_service.create_account("A")
    writers = [Writer(account, changes_email=n % 2 == 0) for n in range(WRITERS)]

    for enough in (5, 60):
        with ThreadPoolExecutor(WRITERS) as pool:
            goal = enough + min(len(writer.answered) for writer in writers)
            writing = [pool.submit(writer.write_until_gone) for writer in writers]
            eventually(lambda: all(len(writer.answered) > goal for writer in writers))  # noqa: B023
            own_service.kill()
            for write in writing:
                write.result()
        own_service.start()
        for writer in writers:
            writer.check()

    for writer in writers:
        assert writer.write()
        writer.check()
        written = len(writer.there(account.profile(uid=writer.uid)))
        assert writer.count_events() == written


# --- kill -9 during a batch


def items(mark: str) -> list[dict[str, object]]:
    return [{"uid": f"{mark}-{n}", "n": n} for n in range(BATCH_SIZE)]


def assert_all_there(account: Account, mark: str) -> None:
    """A sample of the batch's profiles is right, its last one included."""
    for n in [*random.Random(mark).sample(range(BATCH_SIZE), 300), 0, BATCH_SIZE - 1]:
        assert account.profile(uid=f"{mark}-{n}")["n"] == n


def test_a_batch_that_was_answered_is_all_there_after_a_kill(own_service: Service) -> None:
    account, mark = own_service.create_account("A"), marked("uid")

    answer = account.batch(items(mark))
    own_service.kill()
    own_service.start()

    status = account.applied(answer)
    assert (status["received"], status["accepted"]) == (BATCH_SIZE, BATCH_SIZE)
    assert_all_there(account, mark)
    for n in range(0, BATCH_SIZE, BATCH_SIZE // 20):
        deletion = account.forget(uid=f"{mark}-{n}").json()["deletion"]["id"]
        assert account.receipt(deletion)["events"] == 1


def test_a_batch_that_was_cut_off_is_completed_by_sending_it_again(own_service: Service) -> None:
    account, mark = own_service.create_account("A"), marked("uid")

    def send() -> None:
        try:
            account.batch(items(mark))
        except httpx.TransportError:
            return

    sending = threading.Thread(target=send)
    sending.start()
    eventually(lambda: account.has(uid=f"{mark}-0"))
    own_service.kill()
    sending.join()
    own_service.start()
    assert account.has(uid=f"{mark}-0")

    answer = account.batch(items(mark))

    status = account.applied(answer)
    assert (status["received"], status["accepted"]) == (BATCH_SIZE, BATCH_SIZE)
    assert_all_there(account, mark)


# --- the state is lost, or of another log


def lives(account: Account) -> list[dict[str, str]]:
    """Users to whom all kinds of things have happened; what to read them by."""
    uids = [marked("uid") for _ in range(60)]
    emails = [marked_email() for _ in uids]
    company = marked("company")
    for n, (uid, email) in enumerate(zip(uids, emails, strict=True)):
        account.known(uid=uid, email=email, n=n, at="$now", deep={"a": {"b": [1, 2.5, "x"]}})
    account.applied(account.batch([{"uid": uid, "company_uid": company} for uid in uids[:40]]))
    for n in range(0, 60, 6):
        account.clear(uid=uids[n])
        account.known(uid=uids[n + 1], email=emails[n], plan="$unset")
        account.known(uid=uids[n + 2], company_uid=None, email=None)
        account.forget(uid=uids[n + 3])
        account.forget(uid=uids[n + 4])
        account.known(uid=uids[n + 4], email=emails[n + 4].upper())
    return [{"uid": uid} for uid in uids] + [{"email": email} for email in emails]


class Snapshot(NamedTuple):
    """What the service answers, about everybody."""

    reads: list[tuple[int, bytes]]
    receipt: dict[str, Any]


class Past:
    """A service with a past, and what to ask it about."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._account = account = service.create_account("A")
        self._people = lives(account)
        batch = account.batch([{"uid": marked("uid")}, {"plan": "gold"}])
        account.applied(batch)
        self._batch = f"/v3/observe/hooks/batches/{batch.json()['batch']['id']}"
        account.known(uid=(uid := marked("uid")), email=marked_email())
        self._deletion: str = account.forget(uid=uid).json()["deletion"]["id"]
        self.snapshot = self.look()

    def look(self) -> Snapshot:
        account = self._account
        answers = [account.http.get(self._batch), *(account.read(**who) for who in self._people)]
        reads = [(answer.status_code, answer.content) for answer in answers]
        return Snapshot(reads, account.purged(self._deletion))


@pytest.fixture(scope="module")
def past(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Its service does not run."""
    with Service(kafka, tmp_path_factory.mktemp("past")) as service:
        past = Past(service.start())
        assert service.terminate() == 0
        yield past
        assert service.leaks() == []


@pytest.fixture(scope="module")
def rebuilt(past: Past) -> Snapshot:
    """What it answers when it has lost its state and folded the log again."""
    past.service.lose_state()
    past.service.start()
    found = past.look()
    assert past.service.terminate() == 0
    return found


def test_a_lost_state_is_folded_again_to_the_same_bytes(past: Past, rebuilt: Snapshot) -> None:
    assert {status for status, _ in past.snapshot.reads} == {200, 404}
    assert rebuilt.reads == past.snapshot.reads


def test_a_receipt_is_the_same_when_a_lost_state_is_folded_again(
    past: Past, rebuilt: Snapshot
) -> None:
    assert rebuilt.receipt == past.snapshot.receipt


def refusal(service: Service) -> str:
    """Start a service that must not run; all that it says."""
    said = len(service.log)
    service.launch()
    assert service.ended() == 1
    text = service.log[said:].strip()
    assert "Traceback" not in text
    return text


def test_a_log_of_another_hash_key_is_refused_with_a_clear_text(past: Past) -> None:
    key, past.service.hash_key = past.service.hash_key, "ab" * 32
    try:
        text = refusal(past.service)
    finally:
        past.service.hash_key = key

    assert text.startswith("profilelog: the log was written with another hash key")
    assert "PROFILELOG_HASH_KEY" in text
    assert key not in text
    assert "ab" * 32 not in text
    assert len(text.splitlines()) == 1


def test_a_refused_start_does_no_harm(past: Past) -> None:
    past.service.start()

    assert past.look().reads == past.snapshot.reads
    assert past.service.terminate() == 0


def test_a_state_folder_of_another_log_is_refused_with_a_clear_text(past: Past) -> None:
    asyncio.run(remove_log(past.service))

    text = refusal(past.service)

    (said,) = [line for line in text.splitlines() if line.startswith("profilelog: ")]
    assert "was folded from another log" in said
    assert "remove the folder `state`" in said


async def remove_log(service: Service) -> None:
    """Remove the service's topics, so that its next start makes another log of the same name."""
    admin = AIOKafkaAdminClient(**service.kafka.client_options())
    await admin.start()
    try:
        topics = [name for name in await admin.list_topics() if name.startswith(service.prefix)]
        await admin.delete_topics(topics)
        async with asyncio.timeout(20):
            while set(topics) & set(await admin.list_topics()):  # each look takes its time
                pass
    finally:
        await admin.close()


# --- an email moved between users by many at once


def at_once(*calls: Callable[[], object]) -> None:
    """Call all of them, as nearly at the same time as can be."""
    barrier = threading.Barrier(len(calls))

    def call(what: Callable[[], object]) -> None:
        barrier.wait()
        what()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call, what) for what in calls]:
            done.result()


def holders(account: Account, people: list[str], email: str) -> list[str]:
    """The ids of the profiles that show an email, which is what a read by email must find."""
    shown = [id_ for id_ in people if account.profile(id=id_).get("email") == email]
    answer = account.read(email=email)
    found = [answer.json()["profile"]["id"]] if answer.status_code == 200 else []
    assert shown == found
    return shown


def test_of_concurrent_claims_of_an_email_one_wins(account: Account) -> None:
    people = [account.known(uid=marked("uid")) for _ in range(8)]

    for _ in range(8):
        email = marked_email()
        at_once(*(lambda id_=id_: account.known(id=id_, email=email) for id_ in people))  # noqa: B023

        assert len(holders(account, people, email)) == 1


def test_two_users_may_swap_their_emails(account: Account) -> None:
    one, other = account.known(uid=marked("uid")), account.known(uid=marked("uid"))

    for _ in range(8):
        email, other_email = marked_email(), marked_email()
        account.known(id=one, email=email)
        account.known(id=other, email=other_email)

        at_once(
            lambda: account.known(id=one, email=other_email),  # noqa: B023
            lambda: account.known(id=other, email=email),  # noqa: B023
        )

        for each in (email, other_email):
            assert len(holders(account, [one, other], each)) <= 1


class Claim(NamedTuple):
    """A claim that was answered, between two points in time."""

    begun: float
    answered: float
    id: str
    email: str


def test_among_answered_claims_of_an_email_the_later_one_wins(account: Account) -> None:
    people = [account.known(uid=marked("uid")) for _ in range(6)]
    emails = [marked_email() for _ in range(3)]

    def claim_some(seed: int) -> list[Claim]:
        chance = random.Random(seed)
        claims: list[Claim] = []
        for _ in range(25):
            id_, email = chance.choice(people), chance.choice(emails)
            begun = time.monotonic()
            account.known(id=id_, email=email)
            claims.append(Claim(begun, time.monotonic(), id_, email))
        return claims

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for some in pool.map(claim_some, range(8)) for claim in some]

    for email in emails:
        shown = holders(account, people, email)
        assert len(shown) <= 1
        for id_ in shown:
            won = max(c.answered for c in claims if (c.id, c.email) == (id_, email))
            assert not [c for c in claims if c.email == email and c.id != id_ and c.begun > won]
            assert not [c for c in claims if c.id == id_ and c.email != email and c.begun > won]
    for id_ in people:
        last = max((c for c in claims if c.id == id_), key=lambda c: c.begun)
        shown_email = account.profile(id=id_)["email"]
        overlapping = {c.email for c in claims if c.id == id_ and c.answered >= last.begun}
        assert shown_email is None or shown_email in overlapping


# --- forget and come back


def test_who_is_forgotten_and_comes_back_is_always_someone_new(account: Account) -> None:
    def cycle(_: int) -> None:
        uid, email = marked("uid"), marked_email()
        ids: list[str] = []
        for n in range(5):
            ids.append(account.known(uid=uid, email=email, **{f"n{n}": n}))
            profile = account.profile(email=email)
            assert profile["id"] == ids[-1]
            assert [name for name in profile if name[0] == "n"] == [f"n{n}"]
            assert account.forget(id=ids[-1]).status_code == 200
            assert not any(account.has(**who) for who in ({"uid": uid}, {"email": email}))
        assert len(set(ids)) == len(ids)
        assert not any(account.has(id=id_) for id_ in ids)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(cycle, range(16)))


def test_one_of_concurrent_forgets_forgets(account: Account) -> None:
    for _ in range(5):
        uid = marked("uid")
        account.known(uid=uid)
        codes: list[int] = []

        at_once(*[lambda: codes.append(account.forget(uid=uid).status_code)] * 6)  # noqa: B023

        assert sorted(codes) == [200] + [404] * 5


def test_a_write_beside_a_forget_leaves_one_whole_profile_or_none(account: Account) -> None:
    for _ in range(10):
        uid = marked("uid")
        old = account.known(uid=uid, plan="gold")

        at_once(
            lambda: account.known(uid=uid, seats=3),  # noqa: B023
            lambda: account.forget(id=old),  # noqa: B023
        )

        assert not account.has(id=old)
        if account.has(uid=uid):
            profile = account.profile(uid=uid)
            assert profile["seats"] == 3
            assert "plan" not in profile
