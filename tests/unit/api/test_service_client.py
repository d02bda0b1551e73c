"""What a command makes of an answer that is none (`api.command_line.service_client`)."""

import httpx
import pytest

from api.command_line.service_client import refused

WORDS = "Idempotency-Key: another request came with it"


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (422, b'{"code":422,"messages":["%b"]}' % WORDS.encode(), f"{WORDS} (422)"),
        (400, b"<html>", "refused the request: status 400"),
        (404, b'{"messages":[]}', "refused the request: status 404"),
        (403, b"", "does not know the secret"),
        (429, b"", "answered 429: try again later"),
        (503, b'{"code":503,"messages":["no"]}', "answered 503: try again later"),
    ],
)
def test_what_to_do_is_said(status: int, content: bytes, words: str) -> None:
    assert words in str(refused(httpx.Response(status, content=content)))
