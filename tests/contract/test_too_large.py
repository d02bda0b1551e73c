"""Bodies that are too large, packed ones too: 413 (contract §2, §4)."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Protocol

import pytest
import zstandard

from tests.contract.expectations import (
    BATCH_TOO_LARGE,
    assert_error,
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
