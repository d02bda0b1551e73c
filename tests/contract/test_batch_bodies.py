"""Contract §2, §4: bodies of batches as clients get them wrong, and as attackers send them."""

import codecs
import gzip
import json
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.commands.item_errors import MAX_ERRORS
from api.envelopes import MAX_ITEMS
from api.settings import Settings
from tests.contract.expectations import assert_error
from tests.support.service import (
    BATCH,
    EVENT_BATCH,
    FORGET,
    JSON_TYPE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)

COMPANY_BATCH = "/v3/observe/hooks/companies/batch"
HOOKS = {BATCH: b"profiles", EVENT_BATCH: b"events", COMPANY_BATCH: b"companies"}
MIB = 1 << 20
LIMIT = 16 * MIB
MAX_BATCHES: int = Settings.model_fields["max_batches"].default
ANSWERED_SECONDS = 20.0
BAD_NUMBERS = [b"1e400", b"-1e999", b"9" * 5000, b'{"deep":[1e400]}']

pytestmark = pytest.mark.usefixtures("undisturbed")


def post(account: Account, path: str, body: bytes, **headers: str) -> httpx.Response:
    return account.http.post(path, content=body, headers={**JSON_TYPE, **headers})


def item(uid: str, more: bytes = b'"x":1') -> bytes:
    return b'{"uid":"%b","name":"seen",%b}' % (uid.encode(), more)


# --- one item never fails a batch


@pytest.mark.parametrize("path", HOOKS)
@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_number_out_of_range_fails_its_item_alone(
    account: Account, path: str, number: bytes
) -> None:
    items = [
        item(marked("uid")),
        item(marked("uid"), b'"userRole":%b' % number),
        item(marked("uid")),
    ]

    answer = post(account, path, b'{"%b":[%b]}' % (HOOKS[path], b",".join(items)))

    assert answer.status_code == 202
    assert answer.json()["errors"] == [
        {
            "code": 422,
            "index": 1,
            "message": "user_role has a number that is out of range for the 2nd item",
        }
    ]
    status = account.applied(answer)
    assert (status["accepted"], status["failed"]) == (2, 1)


def test_a_bad_item_behind_the_first_thousand_fails_alone_too(account: Account) -> None:
    uid = marked("uid")
    items = [item(f"{uid}-{n}") for n in range(1_100)]
    items[1_099] = item(f"{uid}-1099", b'"x":1e400')

    answer = account.batch_raw(b'{"profiles":[%b]}' % b",".join(items))

    assert [error["index"] for error in answer.json()["errors"]] == [1_099]
    account.applied(answer)
    assert account.has(uid=f"{uid}-1098")
    assert not account.has(uid=f"{uid}-1099")


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_single_write_with_such_a_number_is_422_and_named(
    account: Account, number: bytes
) -> None:
    uid = marked("uid")

    assert_error(account.upsert_raw(item(uid, b'"userRole":%b' % number)), 422, "user_role")
    assert not account.has(uid=uid)


def test_a_number_out_of_range_forgets_nobody_and_keeps_nobody(account: Account) -> None:
    uid = marked("uid")
    account.known(uid=uid)

    answer = post(account, FORGET, b'{"profiles":[{"uid":1e400},{"uid":"%b"},7]}' % uid.encode())

    assert answer.status_code == 202
    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [
        (422, 0),
        (422, 2),
    ]
    assert not account.has(uid=uid)


# --- what is wrong outside the items


@pytest.mark.parametrize("path", [*HOOKS, FORGET])
def test_two_json_values_are_400_and_nothing_is_taken(account: Account, path: str) -> None:
    uid = marked("uid")
    account.known(uid=uid)
    before = account.read(uid=uid).content
    name = HOOKS.get(path, b"profiles")

    for body in (b"{} {}", b'{"%b":[%b]} {}' % (name, item(uid)), b'{"%b":1} 2' % name):
        assert_error(post(account, path, body), 400)

    assert account.read(uid=uid).content == before


@pytest.mark.parametrize("path", HOOKS)
@pytest.mark.parametrize("wish", [b"1e400", b"9" * 5000, b"[]", b"null"])
def test_a_bad_wish_is_422_and_nothing_is_taken(account: Account, path: str, wish: bytes) -> None:
    uid = marked("uid")
    body = b'{"%b":[%b],"on_model_missing":%b}' % (HOOKS[path], item(uid), wish)

    assert_error(post(account, path, body), 422, "on_model_missing")
    assert not account.has(uid=uid)


@pytest.mark.parametrize("path", [UPSERT, BATCH])
def test_a_byte_order_mark_is_passed_over(account: Account, path: str) -> None:
    uid = marked("uid")
    body = item(uid) if path == UPSERT else b'{"profiles":[%b]}' % item(uid)

    assert post(account, path, codecs.BOM_UTF8 + body).is_success
    assert_error(post(account, path, body.decode().encode("utf-16")), 400)
    eventually(lambda: account.has(uid=uid))


# --- bounds


def test_more_items_than_a_batch_may_have_are_413_and_nothing_is_taken(
    service: Service, account: Account
) -> None:
    uid = marked("uid")
    body = b'{"profiles":[%b%b]}' % (item(uid), b",1" * (LIMIT // 2 - 100))
    service.forget_peak()
    before = service.resident()

    answer = post(account, BATCH, gzip.compress(body, 1), **{"Content-Encoding": "gzip"})

    assert_error(answer, 413, str(MAX_ITEMS))
    assert service.peak() - before < 6 * LIMIT
    assert not account.has(uid=uid)


@pytest.mark.parametrize("path", [*HOOKS, FORGET])
def test_an_answer_shows_the_first_errors_and_counts_the_others(
    account: Account, path: str
) -> None:
    body = b'{"%b":[%b0]}' % (HOOKS.get(path, b"profiles"), b"0," * (MAX_ERRORS + 16))

    answer = post(account, path, body)

    assert answer.status_code == 202
    content: dict[str, Any] = answer.json()
    assert [error["index"] for error in content["errors"]] == list(range(MAX_ERRORS))
    assert content["errors_left_out"] == 17


def test_a_repeat_shows_and_counts_the_same_errors(account: Account) -> None:
    body = {"profiles": [{"email": marked_email()}, *[0] * MAX_ERRORS, {"email": marked_email()}]}
    key = marked("key")

    answers = [account.keyed(key, BATCH, body) for _ in range(2)]

    assert answers[0].json()["errors"][0]["code"] == 404
    assert answers[0].json()["errors_left_out"] == 2
    assert answers[1].json() == answers[0].json()


def test_empty_members_without_end_are_refused(account: Account) -> None:
    body = gzip.compress(b"") * 100_000

    assert_error(post(account, BATCH, body, **{"Content-Encoding": "gzip"}), 400)


@pytest.mark.parametrize("filling", [b"\\", rb"\ud800", b"[", b"[],"])
def test_a_full_body_of_anything_without_a_secret_is_403_at_once_and_costs_little(
    service: Service, filling: bytes
) -> None:
    start = b'{"profiles":["' if filling.startswith(b"\\") else b'{"account_secret":['
    body = start + filling * ((LIMIT - len(start)) // len(filling))
    service.forget_peak()
    before = service.resident()

    answer = service.http.post(BATCH, content=body, timeout=ANSWERED_SECONDS)

    assert_error(answer, 403)
    assert service.peak() - before < 6 * LIMIT


# --- many at once


@contextmanager
def half_sent(service: Service, account: Account) -> Generator[None]:
    """A batch whose body is under way until the block ends."""
    url = urlsplit(service.url)
    head = (
        f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nX-Account-Secret: {account.secret}\r\n"
        "Content-Length: 1000\r\n\r\n"
    )
    with socket.create_connection((url.hostname or "", url.port or 0)) as connection:
        connection.sendall(head.encode() + b'{"profiles":[')
        yield


def test_more_batches_of_an_account_at_once_are_429_and_nobody_else_is_held_up(
    service: Service, account: Account, stranger: Account
) -> None:
    with ExitStack() as sending:

        def one_too_many() -> httpx.Response | None:
            sending.enter_context(half_sent(service, account))
            answer = account.batch([])
            return answer if answer.status_code == 429 else None

        refused = eventually(one_too_many)
        assert stranger.batch([]).status_code == 202
        assert account.upsert(uid=marked("uid")).is_success

    assert refused.headers["Retry-After"] == refused.headers["X-Ratelimit-Wait"]
    content = refused.json()
    assert content["code"] == 429
    assert content["messages"]
    assert content["wait"] == int(refused.headers["Retry-After"]) > 0
    eventually(lambda: account.batch([]).status_code == 202)


def test_a_flood_of_full_batches_takes_memory_for_a_few(service: Service, account: Account) -> None:
    body = b'{"profiles":["%b"]}' % (b"x" * (LIMIT - 100))
    before = service.resident()
    service.forget_peak()

    def send(_: int) -> int | None:
        try:
            return account.batch_raw(body).status_code
        except httpx.TransportError:  # refused before all of it was sent
            return None

    with ThreadPoolExecutor(30) as pool:
        statuses = set(pool.map(send, range(60)))

    assert statuses <= {202, 429, None}
    assert service.peak() - before < 6 * LIMIT * MAX_BATCHES
    eventually(lambda: service.resident() < 1.5 * before)
    assert json.loads(account.batch_raw(b'{"profiles":[]}').content).keys() == {"batch"}


def test_a_flood_of_large_single_requests_takes_memory_for_a_few(
    service: Service, account: Account
) -> None:
    """Empty hashes take some 25 times their JSON once they are decoded."""
    body = b'{"email":"%b","list":[%b{}]}' % (marked_email().encode(), b"{}," * (MIB // 3 - 100))
    service.forget_peak()
    before = service.resident()

    with ThreadPoolExecutor(16) as pool:
        statuses = {answer.status_code for answer in pool.map(account.upsert_raw, [body] * 16)}

    assert statuses <= {404, 503}
    assert service.peak() - before < 150 * MIB
