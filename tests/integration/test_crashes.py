"""The service, killed while it is written to (design "Promises")."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.holding import WRITERS
from tests.support.service import Account, Service, eventually, marked, marked_email

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
