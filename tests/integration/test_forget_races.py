"""A forget that meets something else on its way: a batch that names the user, a node that replays its log.

The orders in which records may arrive are played in memory (`tests.faults.stories`); here the real api, with its
queues and its handlers, is what a forget races with.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from streams.log.kafka_access import KafkaAccess
from tests.support.service import Account, Service, eventually, marked, marked_email

ITEMS: Final = 100_000
NAMED: Final = 200
_ROUNDS: Final = 10


@pytest.fixture(scope="module")
def racing(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for the races alone: what one of them writes, the other replays."""
    with Service(kafka, tmp_path_factory.mktemp("racing")) as service:
        yield service.start()
        assert service.leaks() == []


def test_a_forget_during_a_batch_erases_what_came_before_it_and_nothing_else(
    racing: Service,
) -> None:
    for number in range(_ROUNDS):
        if race_with_batch(racing.create_account(f"A{number}")) > 1:
            return
    raise AssertionError("no forget ever came while the batch was folded")


def race_with_batch(account: Account) -> int:
    """Forget a user again and again while a batch names them; returns how often there was somebody to forget."""
    uid, other = marked("uid"), marked("uid")
    step = ITEMS // NAMED
    items = [{"uid": f"{other}-{n}" if n % step else uid, f"n{n // step}": n} for n in range(ITEMS)]

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: account.applied(account.batch(items)))
        while not sending.done():
            forget(account, uid)
    status = sending.result()
    here = account.profile(uid=uid) if account.has(uid=uid) else {}
    names = {name for name in here if name[0] == "n" and name[1:].isdigit()}
    eventually(lambda: forget(account, uid))

    assert (status["accepted"], status["failed"]) == (ITEMS, 0)
    # Each record was erased once: none was lost, and none outlived its forget.
    erased = [receipt["events"] for receipt in account.receipts() if receipt["events"]]
    assert sum(erased) == NAMED
    assert names == {f"n{n}" for n in range(NAMED - len(names), NAMED)}
    assert not account.has(uid=uid)
    assert all(account.has(uid=f"{other}-{n}") for n in (1, ITEMS // 2 + 1, ITEMS - 1))
    return len(erased)


def forget(account: Account, uid: str) -> bool:
    """False when the forget is in doubt, for it waited too long behind the batch: its receipt is in the list then."""
    answer = account.forget(uid=uid)
    assert answer.status_code in {200, 404, 503}, answer.text
    return answer.status_code != 503


def test_a_forget_while_a_node_replays_is_refused_or_done_for_good(racing: Service) -> None:
    account = racing.create_account("B")
    gone, back = marked("uid"), marked("uid")
    email = marked_email()
    account.known(uid=gone, email=email, plan="gold")
    account.known(uid=back, plan="gold")
    account.applied(account.batch([{"uid": f"{gone}-{n}"} for n in range(ITEMS)]))
    account.known(uid=gone, seats=3)
    before = account.forget(uid=back).json()["profile"]["id"]
    after = account.known(uid=back, seats=3)
    racing.kill()
    racing.lose_state()

    racing.launch()
    codes: set[int] = set()

    def done() -> bool:
        try:
            codes.add(account.forget(uid=gone).status_code)
        except httpx.TransportError:
            return False  # it does not listen yet
        return bool(codes & {200, 404})

    eventually(done, seconds=60)
    racing.wait_ready()

    assert codes <= {200, 404, 503}
    # 404: one that was answered with 503 had arrived after all.
    assert codes & {200, 503}

    def check() -> None:
        assert not account.has(uid=gone)
        assert not account.has(email=email)
        assert not account.has(id=before)
        profile = account.profile(uid=back)
        assert (profile["id"], profile["seats"], "plan" in profile) == (after, 3, False)

    check()
    racing.kill()
    racing.lose_state()
    racing.start()
    check()
