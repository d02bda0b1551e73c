"""What answers look like, said once (contract §2, §5)."""

import re
from typing import Any

import httpx

ID = re.compile(r"[0-9a-f]{24}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UNKNOWN_ID = "0123456789abcdef01234567"
NO_IDENTIFIER = (
    "No identifier found. Pass your User ID as the `uid` parameter"
    " or the Email address as the `email` parameter"
)
BATCH_TOO_LARGE = {
    "code": 413,
    "messages": ["Each batch must be less than 16mb, try splitting the batch in half"],
}


def no_identifier_for(ordinal: str) -> str:
    """The seed's sentence for an item of a batch."""
    return NO_IDENTIFIER.replace("found", f"found for the {ordinal} item", 1)


def is_id(value: object) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_timestamp(value: object) -> bool:
    return isinstance(value, str) and TIMESTAMP.fullmatch(value) is not None


def assert_error(answer: httpx.Response, code: int, *words: str) -> None:
    """The answer is an error of the contract's form, and its text has these words."""
    assert answer.status_code == code, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    body: dict[str, Any] = answer.json()
    assert sorted(body) == ["code", "messages"]
    assert body["code"] == code
    assert body["messages"]
    assert all(isinstance(message, str) and message for message in body["messages"])
    text = " ".join(body["messages"])
    for word in words:
        assert word in text


def assert_same_answer(one: httpx.Response, other: httpx.Response) -> None:
    """Nobody can tell the two answers apart."""
    assert one.status_code == other.status_code
    assert one.content == other.content
    assert _headers(one) == _headers(other)


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}
