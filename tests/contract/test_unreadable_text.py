"""Bodies that nest without end, and texts that no one can read (contract §2, §9)."""

import pytest

from tests.contract.expectations import (
    assert_error,
)
from tests.support.service import (
    BATCH,
    FORGET,
    JSON_TYPE,
    PROFILE,
    UPSERT,
    Account,
    marked,
)

pytestmark = pytest.mark.usefixtures("undisturbed")


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_hundred_thousand_levels_in_a_property_are_refused(
    account: Account, opening: bytes, closing: bytes
) -> None:
    uid = marked("uid")
    deep = opening * 100_000 + b"1" + closing * 100_000

    answer = account.upsert_raw(b'{"uid":"%b","deep":%b}' % (uid.encode(), deep))

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
@pytest.mark.parametrize("opening", [b"[", b'{"profiles":', b'{"uid":'])
def test_a_hundred_thousand_levels_that_never_end_are_400(
    account: Account, path: str, opening: bytes
) -> None:
    answer = account.http.post(path, content=opening * 50_000, headers=JSON_TYPE)

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)


def test_a_hundred_thousand_levels_in_a_batch_fail_the_item_or_all(account: Account) -> None:
    """A parser may refuse such a text as a whole; then nothing of it is taken."""
    before, after = marked("uid"), marked("uid")
    deep = b'{"uid":"%b","deep":%b}' % (marked("uid").encode(), b"[" * 100_000 + b"]" * 100_000)
    items = b'{"uid":"%b"},%b,{"uid":"%b"}' % (before.encode(), deep, after.encode())

    answer = account.batch_raw(b'{"profiles":[%b]}' % items)

    if answer.status_code == 202:
        account.applied(answer)
        assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(422, 1)]
    else:
        assert_error(answer, 400)
    assert account.has(uid=before) == account.has(uid=after) == (answer.status_code == 202)


# --- lone surrogates and control characters

BAD_TEXTS = [b"\\ud800", b"\\udc00", b"a\\ud83dz", b"\\udf00\\ud83c", b"\\u0000", b"\\u001f"]


@pytest.mark.parametrize("text", BAD_TEXTS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"uid":"U","name":"X"}',
        b'{"uid":"U","X":1}',
        b'{"uid":"U","list":["X"]}',
        b'{"uid":"U","hash":{"name":"X"}}',
        b'{"uid":"U","hash":{"X":1}}',
        b'{"uid":"U","email":"X@example.com"}',
        b'{"uid":"U","company_uid":"X"}',
        b'{"uid":"UX"}',
        b'{"email":"X"}',
    ],
)
def test_a_text_that_no_one_can_read_is_422(account: Account, body: bytes, text: bytes) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(body.replace(b"U", uid.encode()).replace(b"X", text))

    assert_error(answer, 422)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_text_that_no_one_can_read_fails_its_item_of_a_batch_alone(
    account: Account, text: bytes
) -> None:
    good, bad = marked("uid"), marked("uid")
    items = b'{"uid":"%b","name":"%b"},{"uid":"%b"},{"uid":"%b"}' % (
        bad.encode(), text, good.encode(), text,
    )  # fmt: skip

    answer = account.batch_raw(b'{"profiles":[%b]}' % items)

    assert account.applied(answer)["accepted"] == 1
    errors = answer.json()["errors"]
    assert [(error["code"], error["index"]) for error in errors] == [(422, 0), (422, 2)]
    assert account.has(uid=good)
    assert not account.has(uid=bad)


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_read_for_a_uid_that_no_one_can_read_is_422_or_404(account: Account, text: bytes) -> None:
    answer = account.http.post(PROFILE, content=b'{"uid":"%b"}' % text, headers=JSON_TYPE)

    assert answer.status_code in {404, 422}
    assert_error(answer, answer.status_code)


def test_a_query_that_is_no_utf_8_does_no_harm(account: Account) -> None:
    for query in ("uid=%ff%fe", "uid=%ed%a0%80", "uid=%00", "email=%c3%28", "id=%f0%9f"):
        answer = account.http.get(f"{PROFILE}?{query}")

        assert answer.status_code in {400, 404, 422}
        assert_error(answer, answer.status_code)
