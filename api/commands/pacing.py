"""Work that goes on for longer than the event loop may be held."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

LARGE_BYTES: Final = 1 << 14
"""JSON of more bytes than this is handled in a thread: normalizing a byte takes up to 0.5 us."""

_SLICE_SECONDS: Final = 0.002
_LARGE_MEMBERS: Final = 500

_Item = TypeVar("_Item")
_More = ParamSpec("_More")
_Result = TypeVar("_Result")


async def paced(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    """The items one by one. The loop is left to others whenever work on them has taken 2 ms."""
    until = time.perf_counter() + _SLICE_SECONDS
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_SECONDS


async def beside(
    work: Callable[Concatenate[Mapping[str, object], _More], _Result],
    sent: Mapping[str, object],
    *more: _More.args,
    **named: _More.kwargs,
) -> _Result:
    """What `work` makes of a decoded JSON object: of a large one in a thread, so that the loop goes on."""
    if is_large(sent):
        return await asyncio.to_thread(work, sent, *more, **named)
    return work(sent, *more, **named)


def is_large(sent: Mapping[str, object]) -> bool:
    """Whether the object has so many members, at any depth, or so long names that work on it holds the loop."""
    members = letters = 0
    containers: list[object] = [sent]
    while containers:
        container = containers.pop()
        values = cast("list[object]", container)
        if type(container) is dict:
            hash_ = cast("dict[str, object]", container)
            letters += sum(map(len, hash_))
            values = hash_.values()
        members += len(values)
        if members > _LARGE_MEMBERS or letters > LARGE_BYTES:
            return True
        containers += [value for value in values if type(value) is dict or type(value) is list]
    return False
