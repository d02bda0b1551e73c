"""The bodies of batches: taken apart into items, none of which is decoded yet (contract §4).

The body stays one piece of bytes. Whatever is wrong outside the items is known before the first of them is taken, and
what is wrong inside an item is an error of that item.
"""

import asyncio
import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, TypeVar, cast

import msgspec

from api.bodies import (
    check_large_utf8,
    decode_large_json,
    has_more_names,
    out_of_range,
    split_members,
)
from api.commands.pacing import LARGE_BYTES, paced
from schemas.errors import RequestError, TooLarge, Unprocessable

MAX_ITEMS: Final = 500_000
"""Of one batch: an item that is not decoded takes some 70 bytes beside the body."""

SLICE: Final = 1000
"""Items that are appended together, at most."""

_LONGEST_TEXT: Final = 1 << 12  # a secret is shorter, and no time is spent on what cannot be one
_ITEMS_ALONE: Final = 16  # bytes beside them: their name and some white space, no other member
_MOST_OUTSIDE: Final = 64 << 10
_SLICE_BYTES: Final = 1 << 20
_STEP_BYTES: Final = 128 << 10  # some 10 ms of ordinary profiles
_COPIED: Final = 1 << 20
# Fewer commas part fewer items; 16 MiB of ordinary profiles have no more.
_FEW_COMMAS: Final = 600_000
_TOO_MANY: Final = f"A batch has at most {MAX_ITEMS} items: send several batches"


class Envelope(msgspec.Struct, rename={"items": "profiles"}):
    """The body of a batch of profiles; its items are one piece of JSON."""

    ITEMS: ClassVar[str] = "profiles"

    items: msgspec.Raw
    # Not decoded by msgspec: whatever stands here instead of a text would take up to 20 times its size.
    on_model_missing: msgspec.Raw = msgspec.Raw(b'"create"')
    account_secret: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def secret(self) -> str | None:
        """The secret in the body, if a text is there."""
        return _text(self.account_secret)

    def ignores_missing(self) -> bool:
        """Whether items that name nobody are left out. Raises `Unprocessable`."""
        wish = _text(self.on_model_missing)
        if wish not in ("create", "ignore"):
            raise Unprocessable("on_model_missing must be `create` or `ignore`")
        return wish == "ignore"

    async def split(self) -> list[msgspec.Raw]:
        """The items, in order. Raises `Unprocessable`, and `TooLarge` for more than `MAX_ITEMS`."""
        array = memoryview(self.items)
        if bytes(array[:1]) != b"[":
            raise Unprocessable(f"{self.ITEMS} must be an array")
        if _commas(array) >= _FEW_COMMAS:
            await _check_count(array)
        await asyncio.sleep(0)
        items = msgspec.json.decode(array, type=list[msgspec.Raw])
        if len(items) > MAX_ITEMS:
            raise TooLarge(_TOO_MANY)
        return items


class EventEnvelope(Envelope, rename={"items": "events"}):
    """The body of a batch of tracked events."""

    ITEMS: ClassVar[str] = "events"

    items: msgspec.Raw


class CompanyEnvelope(Envelope, rename={"items": "companies"}):
    """The body of a batch of companies."""

    ITEMS: ClassVar[str] = "companies"

    items: msgspec.Raw


_Kind = TypeVar("_Kind", bound=Envelope)


async def open_envelope(body: bytes, kind: type[_Kind]) -> _Kind:
    """The envelope, all of whose body is JSON. Raises `NotJson`, or `Unprocessable` for its shape."""
    await check_large_utf8(body)
    await asyncio.sleep(0)
    envelope = await decode_large_json(body, kind)
    await asyncio.sleep(0)
    outside = len(body) - len(memoryview(envelope.items))
    if outside > _ITEMS_ALONE:
        await _check_outside(body, kind, outside)
    return envelope


async def _check_outside(body: bytes, kind: type[Envelope], outside: int) -> None:
    """Raises `Unprocessable` for what is wrong in the `outside` bytes beside the items (contract §4).

    msgspec passes over names that it does not know, whatever their numbers, and takes the last of two equal ones: the
    items of the first would be lost without a word.
    """
    if outside > _MOST_OUTSIDE and outside - (len(body) - len(body.strip())) > _MOST_OUTSIDE:
        raise Unprocessable(
            f"Beside `{kind.ITEMS}` stand more than {_MOST_OUTSIDE} bytes: send each name once, and nothing long there"
        )
    members = split_members(body.removeprefix(codecs.BOM_UTF8))
    if members is None:  # nobody reads such a name
        return
    await asyncio.sleep(0)
    if has_more_names(body, members):
        raise Unprocessable("The body has one name twice: send each name once")
    await asyncio.sleep(0)
    for name, member in members.items():
        if name == kind.ITEMS:
            continue
        try:
            msgspec.json.decode(member)
        except msgspec.ValidationError:
            known = name in kind.__struct_fields__
            raise Unprocessable(
                out_of_range(member, name if known else "What stands beside them")
            ) from None


def _text(value: msgspec.Raw) -> str | None:
    if len(memoryview(value)) > _LONGEST_TEXT:
        return None
    try:
        return msgspec.json.decode(value, type=str)
    except msgspec.ValidationError:
        return None


def _commas(array: memoryview) -> int:
    starts = range(0, len(array), _COPIED)
    return sum(bytes(array[start : start + _COPIED]).count(b",") for start in starts)


async def _check_count(array: memoryview) -> None:
    """Raises `TooLarge` for too many items, before memory is taken for any of them."""
    count = 0
    async for _ in paced(_ends(array)):
        count += 1
        if count > MAX_ITEMS:
            raise TooLarge(_TOO_MANY)


def _ends(array: memoryview) -> Iterator[int]:
    """Where each item of a JSON array ends, its comma or bracket included, with no list of them."""
    decode = msgspec.json.Decoder(msgspec.Raw).decode
    end = 1
    while end < len(array):
        try:
            decode(array[end:])
        except msgspec.DecodeError as error:  # `… trailing characters (byte 17)`: so much was read
            end += int(str(error).rpartition(" ")[2][:-1])
            yield end


class Slice(NamedTuple):
    """Items that are appended together: the index of the first, the bytes of all and of the largest."""

    start: int
    items: Sequence[msgspec.Raw]
    size: int
    largest: int

    @classmethod
    def of(cls, start: int, items: Sequence[msgspec.Raw]) -> "Slice":
        sizes = [*map(len, map(memoryview, items))]
        return cls(start, items, sum(sizes), max(sizes))

    def steps(self) -> "Iterable[Slice]":
        """The same in parts that are decoded and normalized in some 20 ms at most."""
        return (self,) if self.size <= _STEP_BYTES else _cut(self.start, self.items, _STEP_BYTES)


async def in_steps(part: Slice, turn: asyncio.Lock, work: Callable[[Slice], None]) -> None:
    """Does `work` on each step of a slice, in order, holding `turn`; a step with a large item in a thread."""
    for step in part.steps():
        if step.start > part.start:
            await asyncio.sleep(0)
        async with turn:
            if step.largest > LARGE_BYTES:
                await asyncio.to_thread(work, step)
            else:
                work(step)


def slices(items: Sequence[msgspec.Raw]) -> Iterator[Slice]:
    """The items in order, at most `SLICE` at a time, of 1 MiB together or one alone."""
    for start in range(0, len(items), SLICE):
        part = Slice.of(start, items[start : start + SLICE])
        if part.size <= _SLICE_BYTES:
            yield part
        else:
            yield from _cut(start, part.items, _SLICE_BYTES)


def _cut(start: int, items: Sequence[msgspec.Raw], most: int) -> Iterator[Slice]:
    first = size = 0
    for index, item in enumerate(items):
        length = len(memoryview(item))
        if size and size + length > most:
            yield Slice.of(start + first, items[first:index])
            first, size = index, 0
        size += length
    yield Slice.of(start + first, items[first:])


def decode_item(item: msgspec.Raw, limit: int) -> Mapping[str, object]:
    """The item as an object. Raises `TooLarge` beyond `limit` bytes, `Unprocessable` for numbers, depth and type."""
    if len(memoryview(item)) > limit:
        raise TooLarge(f"The item is larger than {limit} bytes")
    try:
        sent: object = msgspec.json.decode(item)
    except msgspec.ValidationError:
        raise Unprocessable(out_of_range(item, "The item")) from None
    except RecursionError:
        raise Unprocessable("The item is nested too deeply") from None
    if type(sent) is not dict:
        raise Unprocessable("The item must be a JSON object")
    return cast("dict[str, object]", sent)


def decode_items(
    items: Iterable[msgspec.Raw], limit: int
) -> Iterator[Mapping[str, object] | RequestError]:
    """Each item as an object, or the error that `decode_item` raises of it."""
    for item in items:
        try:
            yield decode_item(item, limit)
        except RequestError as error:
            yield error
