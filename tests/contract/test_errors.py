"""Contract §2, and bad input: each gets the contract's error, and nothing else changes."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Protocol

import httpx
import pytest
import zstandard

from tests.contract.expectations import (
    BATCH_TOO_LARGE,
    UNKNOWN_ID,
    assert_error,
    assert_same_answer,
)
from tests.support.service import (
    BATCH,
    FORGET,
    JSON_TYPE,
    PROFILE,
    UPSERT,
    Account,
    Service,
    marked,
    marked_email,
)

pytestmark = pytest.mark.usefixtures("undisturbed")

MIB = 1024 * 1024
SINGLE_LIMIT = 1 * MIB
BATCH_LIMIT = 16 * MIB
BOMB_BYTES = 512 * MIB
MOST_MEMORY_FOR_A_BOMB = 64 * MIB


def padded(body: bytes, size: int) -> bytes:
    """JSON with blanks behind it, `size` bytes long."""
    return body + b" " * (size - len(body))


def in_pieces(body: bytes) -> Iterator[bytes]:
    """As a stream: httpx sends it chunked, without a Content-Length."""
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


class Packer(Protocol):
    """A compressor that takes a body piece by piece."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def bomb(packer: Packer) -> bytes:
    """A small body that unpacks to 512 MiB of a JSON text."""
    piece = b" " * MIB
    packed = [packer.compress(b'{"profiles":[')]
    packed += [packer.compress(piece) for _ in range(BOMB_BYTES // MIB)]
    return b"".join([*packed, packer.flush()])


def gzip_bomb() -> bytes:
    return bomb(zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS))


def zstd_bomb() -> bytes:
    return bomb(zstandard.ZstdCompressor().compressobj())


# --- 400: not JSON


@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"uid=5",
        b"{'uid':5}",
        b'{"uid":5',
        b'{"uid":5,}',
        b'{"uid":5,"profiles":[]}{}',
        b'{"uid":"\xff"}',
        b'{"uid":"\\x"}',
        b'{"uid":05}',
        b'\xef\xbb\xbf\x00{"uid":5}',
        b"\x1f\x8b\x08\x00",
    ],
)
def test_a_body_that_is_not_json_is_400(account: Account, path: str, body: bytes) -> None:
    answer = account.http.post(path, content=body, headers=JSON_TYPE)

    assert_error(answer, 400)


@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
def test_an_empty_body_is_refused(account: Account, path: str) -> None:
    answer = account.http.post(path, content=b"", headers=JSON_TYPE)

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_number_that_json_does_not_know_is_400(account: Account, number: bytes) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(b'{"uid":"%b","score":%b}' % (uid.encode(), number))

    assert_error(answer, 400)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_batch_with_a_number_that_json_does_not_know_is_400(
    account: Account, number: bytes
) -> None:
    uid = marked("uid")

    answer = account.batch_raw(
        b'{"profiles":[{"uid":"%b"},{"uid":"%b","score":%b}]}'
        % (uid.encode(), marked("uid").encode(), number)
    )

    assert_error(answer, 400)
    assert not account.has(uid=uid)


def test_a_number_too_large_for_a_float_is_refused(account: Account) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(b'{"uid":"%b","score":1e999}' % uid.encode())

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)
    assert not account.has(uid=uid)


# --- 422: wrong types


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"12", b"null", b"true", b'[{"uid":5}]'])
@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
def test_json_that_is_no_object_is_422(account: Account, path: str, body: bytes) -> None:
    answer = account.http.post(path, content=body, headers=JSON_TYPE)

    assert_error(answer, 422)


@pytest.mark.parametrize("name", ["uid", "email"])
@pytest.mark.parametrize("value", [True, False, 1.5, [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize("path", [UPSERT, PROFILE])
def test_an_identifier_of_a_wrong_type_is_422_and_named(
    account: Account, path: str, name: str, value: object
) -> None:
    answer = account.http.post(path, json={name: value})

    assert_error(answer, 422, name)


@pytest.mark.parametrize("value", [True, False, 5, 1.5, [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize("path", [UPSERT, PROFILE])
def test_an_id_of_a_wrong_type_names_nobody(account: Account, path: str, value: object) -> None:
    answer = account.http.post(path, json={"id": value})

    assert answer.status_code in {404, 422}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize("name", ["company_uid", "company_id"])
@pytest.mark.parametrize("value", [True, 1.5, [], {"x": 1}])
def test_a_company_of_a_wrong_type_is_422_and_named(
    account: Account, name: str, value: object
) -> None:
    uid = marked("uid")

    answer = account.upsert(uid=uid, **{name: value})

    assert_error(answer, 422, name)
    assert not account.has(uid=uid)


# --- 409: identifiers that contradict each other


def test_an_upsert_whose_id_and_uid_are_of_two_profiles_is_409(account: Account) -> None:
    uid, other_uid = marked("uid"), marked("uid")
    id_ = account.known(uid=uid, plan="gold")
    account.known(uid=other_uid, plan="gold")
    before = account.read(id=id_).content, account.read(uid=other_uid).content

    answer = account.upsert(id=id_, uid=other_uid, plan="free")

    assert_error(answer, 409)
    assert (account.read(id=id_).content, account.read(uid=other_uid).content) == before


def test_a_batch_item_whose_id_and_uid_are_of_two_profiles_is_409_alone(
    account: Account,
) -> None:
    uid, other_uid = marked("uid"), marked("uid")
    id_ = account.known(uid=uid)
    account.known(uid=other_uid)

    answer = account.batch([{"id": id_, "uid": other_uid, "plan": "free"}, {"uid": uid, "n": 1}])

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(409, 0)]
    account.applied(answer)
    assert "plan" not in account.profile(uid=other_uid)
    assert account.profile(uid=uid)["n"] == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_read_whose_identifiers_are_of_two_profiles_is_409(account: Account, method: str) -> None:
    uid, email = marked("uid"), marked_email()
    id_ = account.known(uid=uid, email=email)
    other_uid, other_email = marked("uid"), marked_email()
    account.known(uid=other_uid, email=other_email)

    for identifiers in (
        {"id": id_, "uid": other_uid},
        {"id": id_, "email": other_email},
        {"uid": uid, "email": other_email},
        {"id": id_, "uid": uid, "email": other_email},
    ):
        if method == "GET":
            answer = account.http.get(PROFILE, params=identifiers)
        else:
            answer = account.http.post(PROFILE, json=identifiers)

        assert_error(answer, 409)


def test_a_forget_whose_identifiers_are_of_two_profiles_is_409_and_forgets_nobody(
    account: Account,
) -> None:
    uid, other_email = marked("uid"), marked_email()
    id_ = account.known(uid=uid)
    account.known(uid=marked("uid"), email=other_email)

    assert_error(account.forget(uid=uid, email=other_email), 409)
    assert_error(account.forget(id=id_, email=other_email), 409)

    assert account.has(id=id_)
    assert account.has(email=other_email)


# --- 413: too large


def test_a_hook_takes_a_body_of_1_mib(account: Account) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(padded(b'{"uid":"%b"}' % uid.encode(), SINGLE_LIMIT))

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (UPSERT, SINGLE_LIMIT + 1),
        (UPSERT, 17 * MIB),
        (PROFILE, SINGLE_LIMIT + 1),
        (FORGET, 17 * MIB),
    ],
)
def test_a_body_that_is_too_large_is_413(account: Account, path: str, size: int) -> None:
    uid = marked("uid")

    answer = account.http.post(
        path, content=padded(b'{"uid":"%b"}' % uid.encode(), size), headers=JSON_TYPE
    )

    assert_error(answer, 413)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("size", [SINGLE_LIMIT + 1, 17 * MIB])
def test_a_chunked_body_over_1_mib_is_413(account: Account, size: int) -> None:
    uid = marked("uid")
    body = padded(b'{"uid":"%b"}' % uid.encode(), size)

    answer = account.http.post(UPSERT, content=in_pieces(body), headers=JSON_TYPE)

    assert_error(answer, 413)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_batch_takes_a_body_just_under_16_mib(account: Account, chunked: bool) -> None:
    uid = marked("uid")
    body = padded(b'{"profiles":[{"uid":"%b"}]}' % uid.encode(), BATCH_LIMIT - 1)

    answer = account.http.post(
        BATCH, content=in_pieces(body) if chunked else body, headers=JSON_TYPE
    )

    account.applied(answer)
    assert account.has(uid=uid)


@pytest.mark.parametrize("size", [BATCH_LIMIT + 1, 17 * MIB])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_batch_over_16_mib_is_413_to_the_letter(
    account: Account, size: int, chunked: bool
) -> None:
    uid = marked("uid")
    body = padded(b'{"profiles":[{"uid":"%b"}]}' % uid.encode(), size)

    answer = account.http.post(
        BATCH, content=in_pieces(body) if chunked else body, headers=JSON_TYPE
    )

    assert answer.status_code == 413
    assert answer.json() == BATCH_TOO_LARGE
    assert not account.has(uid=uid)


def test_the_path_form_of_a_batch_over_16_mib_is_413_to_the_letter(
    service: Service, account: Account
) -> None:
    answer = service.http.post(
        f"/v3/observe/hooks/{account.secret}/profiles/batch",
        content=padded(b'{"profiles":[]}', 17 * MIB),
    )

    assert answer.status_code == 413
    assert answer.json() == BATCH_TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_batch_that_unpacks_to_over_16_mib_is_413_to_the_letter(
    account: Account, encoding: str
) -> None:
    uid = marked("uid")
    body = padded(b'{"profiles":[{"uid":"%b"}]}' % uid.encode(), BATCH_LIMIT + 1)
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)

    answer = account.http.post(BATCH, content=packed, headers={"Content-Encoding": encoding})

    assert answer.status_code == 413
    assert answer.json() == BATCH_TOO_LARGE
    assert not account.has(uid=uid)


@pytest.mark.parametrize(("encoding", "body"), [("gzip", gzip_bomb()), ("zstd", zstd_bomb())])
def test_a_decompression_bomb_is_413_and_costs_no_memory(
    service: Service, account: Account, encoding: str, body: bytes
) -> None:
    assert len(body) < MIB
    before = service.resident()
    service.forget_peak()

    answer = account.http.post(BATCH, content=body, headers={"Content-Encoding": encoding})

    assert answer.status_code == 413
    assert answer.json() == BATCH_TOO_LARGE
    assert service.peak() - before < MOST_MEMORY_FOR_A_BOMB


@pytest.mark.parametrize(("encoding", "body"), [("gzip", gzip_bomb()), ("zstd", zstd_bomb())])
def test_a_decompression_bomb_on_a_single_hook_is_413_and_costs_no_memory(
    service: Service, account: Account, encoding: str, body: bytes
) -> None:
    before = service.resident()
    service.forget_peak()

    answer = account.http.post(UPSERT, content=body, headers={"Content-Encoding": encoding})

    assert_error(answer, 413)
    assert service.peak() - before < MOST_MEMORY_FOR_A_BOMB


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("kind", ["plain", "cut off", "broken", "followed", "empty"])
def test_a_body_that_is_not_packed_as_it_says_is_400(
    account: Account, encoding: str, kind: str
) -> None:
    uid = marked("uid")
    plain = b'{"profiles":[{"uid":"%b"}]}' % uid.encode()
    packed = gzip.compress(plain) if encoding == "gzip" else zstandard.compress(plain)
    body = {
        "plain": plain,
        "cut off": packed[:-4],
        "broken": packed[:14] + b"\xff\xff\xff" + packed[17:],
        "followed": packed + b"more",
        "empty": b"",
    }[kind]

    answer = account.http.post(BATCH, content=body, headers={"Content-Encoding": encoding})

    assert_error(answer, 400)
    assert not account.has(uid=uid)


def test_an_encoding_that_is_not_taken_is_refused(account: Account) -> None:
    uid = marked("uid")

    answer = account.http.post(
        BATCH,
        content=b'{"profiles":[{"uid":"%b"}]}' % uid.encode(),
        headers={"Content-Encoding": "br"},
    )

    assert 400 <= answer.status_code < 500
    assert_error(answer, answer.status_code)
    assert not account.has(uid=uid)


# --- 100,000 levels of nesting


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


# --- 404: no such route, no such thing


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/v3", "/v3/analyze", "/v3/observe/hooks/profiles/a/b/c", "/v4/profiles"]
)
def test_an_unknown_route_is_404(account: Account, method: str, path: str) -> None:
    assert_error(account.http.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", UPSERT),
        ("DELETE", UPSERT),
        ("GET", BATCH),
        ("DELETE", PROFILE),
        ("PATCH", f"/v3/analyze/profiles/{UNKNOWN_ID}"),
        ("PUT", "/v3/edit/profiles"),
        ("POST", f"/v3/edit/deletions/{UNKNOWN_ID}"),
        ("DELETE", "/"),
        ("POST", "/health"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_404_or_405(
    account: Account, method: str, path: str
) -> None:
    answer = account.http.request(method, path)

    assert answer.status_code in {404, 405}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize(
    "id_", [UNKNOWN_ID, "x", "0", UNKNOWN_ID.upper(), UNKNOWN_ID + "0", "%00", "..%2f..", "é" * 24]
)
def test_an_id_that_names_nothing_is_404(account: Account, id_: str) -> None:
    http = account.http
    for answer in (
        http.get(f"/v3/analyze/profiles/{id_}"),
        http.post(f"/v3/analyze/profiles/{id_}"),
        http.delete(f"/v3/edit/profiles/{id_}"),
        http.delete(f"/v3/edit/profiles/{id_}/forget"),
        http.get(f"/v3/edit/deletions/{id_}"),
        http.get(f"/v3/observe/hooks/batches/{id_}"),
    ):
        assert_error(answer, 404)


@pytest.mark.parametrize("id_", ["x", UNKNOWN_ID.upper(), UNKNOWN_ID + "0", "é" * 24])
def test_an_id_of_another_form_is_answered_like_an_unknown_one(account: Account, id_: str) -> None:
    for ask in (account.upsert, account.read, account.forget):
        assert_same_answer(ask(id=id_), ask(id=UNKNOWN_ID))


# --- what an error never does


def test_an_error_does_not_repeat_what_was_sent(account: Account) -> None:
    value = marked()
    answers: list[httpx.Response] = [
        account.upsert(uid=[value]),
        account.upsert(id=value),
        account.upsert(email=value),
        account.upsert(uid=value, company_id={"x": value}),
        account.upsert(uid=value * 100),
        account.read(uid=value),
        account.read(email=value),
        account.clear(uid=value),
        account.forget(uid=value),
        account.batch([], on_model_missing=value),
        account.batch([{"email": value}, [value], {"uid": [value]}]),
        account.upsert_raw(json.dumps({"uid": value, "name": f"{value}\0"}).encode()),
    ]

    for answer in answers:
        assert value not in answer.text
