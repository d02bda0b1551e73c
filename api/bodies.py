"""Request bodies: read as they come, never over their limit, and decoded as JSON (contract §2, §4)."""

import codecs
import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from api.commands.pacing import paced
from api.decompression import collect
from api.incoming import Incoming
from api.limits.batches_at_once import Intake
from api.limits.too_large import body_too_large
from api.surrogates import may_hold_surrogates, replace_surrogates
from schemas.errors import NotJson, TooLarge, Unprocessable
from schemas.property_names import normalize_name

_LENGTH: Final = "content-length"
_SHORT: Final = 1 << 16  # bytes of a body that needs no room reserved
_UTF8_SLICE: Final = 1 << 20
_MANY_NAMES: Final = 100  # more than any request has parameters
_BYTE_ORDER_MARK: Final = codecs.BOM_UTF8
_TOO_DEEP: Final = "The body is nested too deeply"
_NOT_JSON: Final = "The body is not JSON"
_OUT_OF_RANGE: Final = "out of range"  # msgspec's words
_BAD_NUMBER: Final = "has a number that is out of range"

_Body = TypeVar("_Body")


async def read_body(request: Incoming, limit: int, too_large: TooLarge) -> bytes:
    """The body of a request, decompressed, of at most `limit` bytes; raises like `collect`."""
    headers = request.fields
    if _declared(headers) > limit:
        raise too_large
    return await collect(request.stream(), _encoding(headers), limit, too_large)


def expected_size(request: Incoming, limit: int) -> int:
    """How many bytes the body may have, by the headers: never more than `limit`."""
    headers = request.fields
    if _encoding(headers) or _LENGTH not in headers:
        return limit
    return min(limit, _declared(headers))


def _declared(headers: Mapping[str, str]) -> int:
    declared = headers.get(_LENGTH, "")
    return int(declared[:20]) if declared.isdecimal() else 0


def _encoding(headers: Mapping[str, str]) -> str:
    encoding = headers.get("content-encoding", "").strip().lower()
    return "" if encoding == "identity" else encoding


def decode_json(body: bytes, kind: type[_Body]) -> _Body:
    """The body as `kind`. Raises `NotJson`, or `Unprocessable` when it is JSON of another shape.

    A byte order mark is passed over. A lone surrogate is read as U+0001 (`api.surrogates`).
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _decode(body, kind)
    except NotJson:
        if not may_hold_surrogates(body):
            raise
        return _decode(b"".join(replace_surrogates(body)), kind)


async def decode_large_json(body: bytes, kind: type[_Body]) -> _Body:
    """`decode_json` for bodies of many MiB: no step holds the loop for longer than msgspec takes for the whole."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _decode(body, kind)
    except NotJson:
        if not may_hold_surrogates(body):
            raise
    parts = bytearray()
    async for part in paced(replace_surrogates(body)):
        parts += part
    return _decode(parts, kind)


def _decode(body: bytes | bytearray, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        _check_json(body)  # msgspec stops at the wrong shape: it has not seen the rest
        if _OUT_OF_RANGE not in str(error):
            raise Unprocessable(f"The body has the wrong shape: {_place(error)}") from None
        raise Unprocessable(out_of_range(body, "The body")) from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotJson(_NOT_JSON) from None


def _check_json(body: bytes | bytearray) -> None:
    """Raises `NotJson` unless the body is one JSON value; its numbers may be out of range."""
    check_utf8(body)
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except msgspec.DecodeError:
        raise NotJson(_NOT_JSON) from None


def out_of_range(value: bytes | bytearray | msgspec.Raw, whole: str) -> str:
    """What is wrong with JSON that has a number out of range: the property that is or holds it, or else the `whole`."""
    try:
        members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        members = {}
    for name, member in members.items():
        try:
            msgspec.json.decode(member)
        except msgspec.ValidationError:
            return f"{normalize_name(name) or 'a property without a name'} {_BAD_NUMBER}"
    return f"{whole} {_BAD_NUMBER}"


def _place(error: msgspec.ValidationError) -> str:
    """What msgspec says of types and places; it names no value."""
    return re.sub(r"`\$\.?", "`", str(error))


def check_utf8(body: bytes | bytearray) -> None:
    """Raises `NotJson` unless the body is UTF-8; in slices, so that no copy of a large body is made."""
    for _ in _utf8_slices(body):
        pass


async def check_large_utf8(body: bytes) -> None:
    """`check_utf8` for bodies of many MiB, with the loop free in between."""
    async for _ in paced(_utf8_slices(body)):
        pass


def _utf8_slices(body: bytes | bytearray) -> Iterator[None]:
    """A step for each slice that was checked."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(view), _UTF8_SLICE):
            decoder.decode(view[start : start + _UTF8_SLICE])
            yield
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise NotJson(_NOT_JSON) from None


def as_object(value: object) -> Mapping[str, object]:
    """A decoded body that has to be a JSON object. Raises `Unprocessable`."""
    if not isinstance(value, dict):
        raise Unprocessable("The body must be a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON decoding makes text keys


def repeats_a_name(body: bytes) -> bool:
    """Whether a JSON object has one of its names twice; decoded, it has the last of the two alone."""
    members = split_members(body)
    return members is not None and has_more_names(body, members)


def split_members(body: bytes) -> dict[str, msgspec.Raw] | None:
    """The members of a JSON object, not decoded; None where a name has a lone surrogate."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def has_more_names(body: bytes, members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether the body of these members has a name twice.

    Found by the quotes that stand in none of its members. Not checked are members of members, names with a quote in
    them that is written as a code point.
    """
    inside = sum(bytes(member).count(b'"') for member in members.values())
    names = sum(2 + name.count('"') for name in members)
    return body.count(b'"') > inside + names


async def read_object(
    request: Incoming, limit: int, intake: Intake, *, authenticated: bool, once: bool = False
) -> Mapping[str, object]:
    """A body that is one JSON object, of at most `limit` bytes; an empty body is an empty object.

    Raises like `read_body` and `decode_json`, `Unavailable` when too much is being received, and `Unprocessable` for a
    name that stands there twice where each may stand there `once`.
    """
    too_large = body_too_large(limit)
    size = expected_size(request, limit)
    with (
        contextlib.nullcontext()
        if size <= _SHORT
        else intake.room(size, authenticated=authenticated)
    ):
        body = await read_body(request, limit, too_large)
        await intake.handling.enter(len(body))
    request.keep_body(body)
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body:
        return {}
    sent = as_object(decode_json(body, object))
    if once and len(sent) <= _MANY_NAMES and repeats_a_name(body):
        raise Unprocessable("The body has one name twice: send each parameter once")
    return sent
