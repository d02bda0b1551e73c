"""A forget that meets something else on its way: a batch that names the user, a node that replays its log.

The orders in which records may arrive are played in memory (`tests.faults.stories`); here the real api, with its
queues and its doors, is what a forget races with.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from tests.support.service import Account, Service, eventually, marked, marked_email

ITEMS: Final = 20_000
NAMED: Final = 200


def test_a_forget_during_a_batch_erases_what_came_before_it_and_nothing_else(
    account: Account,
) -> None:
    uid, other = marked("uid"), marked("uid")
    step = ITEMS // NAMED
    items = [{"uid": f"{other}-{n}" if n % step else uid, f"n{n // step}": n} for n in range(ITEMS)]
    receipts: list[dict[str, Any]] = []

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: account.applied(account.batch(items)))
        while not sending.done():
            receipts += forgotten(account, uid)
    status = sending.result()
    here = account.profile(uid=uid) if account.has(uid=uid) else {}
    names = {name for name in here if name[0] == "n" and name[1:].isdigit()}
    receipts += forgotten(account, uid)

    assert (status["accepted"], status["failed"]) == (ITEMS, 0)
    assert len(receipts) > 1
    # Each record was erased once: none was lost, and none outlived its forget.
    assert sum(receipt["events"] for receipt in receipts) == NAMED
    assert names == {f"n{n}" for n in range(NAMED - len(names), NAMED)}
    assert not account.has(uid=uid)
    assert all(account.has(uid=f"{other}-{n}") for n in (1, ITEMS // 2 + 1, ITEMS - 1))


def forgotten(account: Account, uid: str) -> list[dict[str, Any]]:
    """The receipt of a forget, or nothing where there is nobody."""
    answer = account.forget(uid=uid)
    assert answer.status_code in {200, 404}, answer.text
    return [account.receipt(answer.json()["deletion"]["id"])] if answer.is_success else []


def test_a_forget_while_a_node_replays_is_refused_or_done_for_good(own_service: Service) -> None:
    account = own_service.create_account("A")
    gone, back = marked("uid"), marked("uid")
    email = marked_email()
    account.known(uid=gone, email=email, plan="gold")
    account.known(uid=back, plan="gold")
    account.applied(account.batch([{"uid": f"{gone}-{n}"} for n in range(ITEMS)]))
    account.known(uid=gone, seats=3)
    before = account.forget(uid=back).json()["profile"]["id"]
    after = account.known(uid=back, seats=3)
    own_service.kill()
    own_service.lose_state()

    own_service.launch()
    codes: set[int] = set()

    def done() -> bool:
        try:
            codes.add(account.forget(uid=gone).status_code)
        except httpx.TransportError:
            return False  # it does not listen yet
        return bool(codes & {200, 404})

    eventually(done, seconds=60)
    own_service.wait_ready()

    assert codes <= {200, 404, 503}
    # 404: one that was answered with 503 had arrived after all.
    assert codes & {200, 503}
    for _ in range(2):
        assert not account.has(uid=gone)
        assert not account.has(email=email)
        assert not account.has(id=before)
        profile = account.profile(uid=back)
        assert (profile["id"], profile["seats"], "plan" in profile) == (after, 3, False)
        own_service.kill()
        own_service.lose_state()
        own_service.start()
