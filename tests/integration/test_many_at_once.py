"""Emails and users that many write, claim and forget at once (design "Promises")."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.support.holding import WRITERS, holders
from tests.support.service import Account, marked, marked_email


def at_once(*calls: Callable[[], object]) -> None:
    """Call all of them, as nearly at the same time as can be."""
    barrier = threading.Barrier(len(calls))

    def call(what: Callable[[], object]) -> None:
        barrier.wait()
        what()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call, what) for what in calls]:
            done.result()


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
