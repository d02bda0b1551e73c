"""Requests with an Idempotency-Key, cut off by kill -9 and sent again: one effect each (contract §14)."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.contract.expectations import assert_error, assert_same_answer
from tests.support.kafka import event_count
from tests.support.service import (
    BATCH,
    EVENT,
    EVENT_BATCH,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)

ITEMS = 100_000
HOOKS = (UPSERT, EVENT, BATCH, EVENT_BATCH)
BY_EMAIL = range(0, ITEMS, 1000)


def cut_off(
    service: Service, account: Account, key: str, path: str, body: dict[str, list[dict[str, Any]]]
) -> None:
    """Send a batch, and kill the service when the log has a tenth of it."""

    def send() -> None:
        try:
            account.keyed(key, path, body)
        except httpx.TransportError:
            return

    sending = threading.Thread(target=send)
    ((_, first, *_, last),) = body.values()
    with event_count(service) as count:
        before = count()
        sending.start()
        eventually(lambda: count() >= before + ITEMS // 10)
        service.kill()
    sending.join()
    service.start()
    assert account.has(uid=first["uid"])
    assert not account.has(uid=last["uid"])


def test_a_batch_of_events_that_was_cut_off_counts_each_event_once(own_service: Service) -> None:
    account, mark, key = own_service.create_account("A"), marked("uid"), marked("key")
    holder, heir, email = marked("uid"), marked("uid"), marked_email()
    account.known(uid=holder, email=email)
    events: list[dict[str, Any]] = [{"uid": f"{mark}-{n}", "name": "a"} for n in range(ITEMS)]
    for n in BY_EMAIL:
        events[n] = {"email": email, "name": "b"}
    body = {"events": events}

    cut_off(own_service, account, key, EVENT_BATCH, body)
    # Those that the first attempt counted for one profile must not be counted for another as well.
    account.known(uid=heir, email=email)
    other = account.keyed(key, EVENT_BATCH, {"events": events[1:]})
    answer = account.keyed(key, EVENT_BATCH, body)

    assert_error(other, 422, "Idempotency-Key")
    status = account.applied(answer)
    assert (status["received"], status["accepted"]) == (ITEMS, ITEMS)
    for n in [*random.Random(mark).sample(range(ITEMS), 300), 1, ITEMS - 1]:
        if n not in BY_EMAIL:
            assert account.tracked(uid=f"{mark}-{n}")["a"]["count"] == 1
    both = [account.tracked(uid=uid).get("b", {"count": 0})["count"] for uid in (holder, heir)]
    assert sum(both) == len(BY_EMAIL)
    assert_same_answer(account.keyed(key, EVENT_BATCH, body), answer)


def test_a_batch_of_profiles_that_was_cut_off_writes_each_profile_once(
    own_service: Service,
) -> None:
    account, mark, key = own_service.create_account("A"), marked("uid"), marked("key")
    body = {"profiles": [{"uid": f"{mark}-{n}", "n": n, "at": "$now"} for n in range(ITEMS)]}

    cut_off(own_service, account, key, BATCH, body)
    sample = [*random.Random(mark).sample(range(ITEMS), 200), 0, ITEMS - 1]
    before = {n: account.read(uid=f"{mark}-{n}") for n in sample}
    account.applied(account.keyed(key, BATCH, body))

    for n, was in before.items():
        there = account.read(uid=f"{mark}-{n}")
        assert there.json()["profile"]["n"] == n
        if was.status_code == 200:
            assert there.content == was.content


def test_first_answers_survive_a_kill_and_the_loss_of_the_state(own_service: Service) -> None:
    account = own_service.create_account("A")
    items = {path: {"uid": marked("uid"), "name": "a", "created_at": 1} for path in HOOKS}
    bodies: dict[str, object] = {
        UPSERT: items[UPSERT],
        EVENT: items[EVENT],
        BATCH: {"profiles": [items[BATCH], {}]},
        EVENT_BATCH: {"events": [items[EVENT_BATCH], {}]},
    }
    keys = {path: marked("key") for path in HOOKS}
    first = {path: account.keyed(keys[path], path, bodies[path]) for path in HOOKS}

    own_service.kill()
    own_service.start()
    for path in HOOKS:
        assert_same_answer(account.keyed(keys[path], path, bodies[path]), first[path])
    own_service.kill()
    own_service.lose_state()
    own_service.start()
    for path in HOOKS:
        assert_same_answer(account.keyed(keys[path], path, bodies[path]), first[path])

    for item in items.values():
        deletion = account.forget(uid=str(item["uid"])).json()["deletion"]["id"]
        assert account.receipt(deletion)["events"] == 1


def test_keyed_events_are_counted_once_however_often_the_service_is_killed(
    own_service: Service,
) -> None:
    """Each client sends an event until it is answered, then the next one."""
    account = own_service.create_account("A")
    uids = [marked("uid") for _ in range(6)]
    done = dict.fromkeys(uids, 0)
    stop = threading.Event()

    def send_until_stopped(uid: str) -> None:
        while not stop.is_set():
            key = marked("key")
            while True:
                try:
                    answer = account.keyed(key, EVENT, {"uid": uid, "name": "a"})
                except httpx.TransportError:
                    stop.wait(0.05)  # it is gone: do not take the restart's processor
                    continue
                if answer.status_code == 201:
                    break
                assert answer.status_code == 503, answer.text
            done[uid] += 1

    with ThreadPoolExecutor(len(uids)) as pool:
        sending = [pool.submit(send_until_stopped, uid) for uid in uids]
        try:
            for _ in range(3):
                goal = 20 + min(done.values())
                eventually(lambda: min(done.values()) > goal)  # noqa: B023
                own_service.kill()
                own_service.start()
        finally:
            stop.set()
        for one in sending:
            one.result()

    for uid in uids:
        assert account.tracked(uid=uid)["a"]["count"] == done[uid]
