"""Batches that come compressed (contract §4)."""

import gzip

import pytest
import zstandard

from tests.support.batch_counts import counts
from tests.support.service import (
    BATCH,
    Account,
    marked,
)


def test_a_gzip_body_is_taken(account: Account, uid: str) -> None:
    body = gzip.compress(b'{"profiles":[{"uid":"%b"}]}' % uid.encode())

    account.applied(account.http.post(BATCH, content=body, headers={"Content-Encoding": "gzip"}))

    assert account.has(uid=uid)


def test_a_gzip_body_of_several_members_is_taken_whole(account: Account, uid: str) -> None:
    body = gzip.compress(b'{"profiles":[{"uid":') + gzip.compress(b'"%b"}]}' % uid.encode())

    account.applied(account.http.post(BATCH, content=body, headers={"Content-Encoding": "gzip"}))

    assert account.has(uid=uid)


@pytest.mark.parametrize("write_size", [True, False])
def test_a_zstd_body_is_taken(account: Account, uid: str, write_size: bool) -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=write_size)
    body = compressor.compress(b'{"profiles":[{"uid":"%b"}]}' % uid.encode())

    account.applied(account.http.post(BATCH, content=body, headers={"Content-Encoding": "zstd"}))

    assert account.has(uid=uid)


def test_a_zstd_body_of_several_frames_is_taken_whole(account: Account, uid: str) -> None:
    parts = b'{"profiles":[{"uid":', b'"%b"}]}' % uid.encode()
    body = b"".join(map(zstandard.compress, parts))

    account.applied(account.http.post(BATCH, content=body, headers={"Content-Encoding": "zstd"}))

    assert account.has(uid=uid)


def test_a_large_packed_batch_is_taken(account: Account) -> None:
    uid = marked("uid")
    items = ",".join(f'{{"uid":"{uid}-{n}"}}' for n in range(5_000))
    body = gzip.compress(f'{{"profiles":[{items}]}}'.encode())

    status = account.applied(
        account.http.post(BATCH, content=body, headers={"Content-Encoding": "gzip"})
    )

    assert counts(status) == (5_000, 5_000, 0, 0)
    assert all(account.has(uid=f"{uid}-{n}") for n in (0, 2_500, 4_999))
