"""Forget profiles (contract §8)."""

import asyncio
import csv
import io
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from api.commands.addressing import NO_PROFILE, find, parse_identifiers
from api.commands.item_errors import Failures, ItemErrors
from projections.profile import StoredProfile
from schemas.errors import NotFound, RequestError, Unavailable, Unprocessable
from streams.clock import now
from streams.forgetting import forget_event
from streams.node import Node, Written

COLUMNS: Final = ("uid", "email", "id")
# Forgets that follow one another in the log share the request to the broker, the fold's write and the transaction of
# what follows from them; more at once would make others wait for the loop.
_AT_ONCE: Final = 24


class Forgotten(NamedTuple):
    """A profile that is forgotten and the deletion's receipt."""

    profile: str
    deletion: str
    written: Written


async def forget(node: Node, profile: StoredProfile) -> Forgotten:
    """Erase the profile; from the answer on no read shows it. Raises `NotFound`, `Unavailable`."""
    partition = node.identity.partition_of_id(profile.id)
    state = node.worker.profiles(partition)
    event = forget_event(state, profile, now())
    written = await node.write(partition, event)
    if written.verdict.outcome == "missing":
        raise NotFound(NO_PROFILE)
    return Forgotten(profile.id, event.deletion, written)


async def forget_many(
    node: Node, account: str, items: Iterable[object]
) -> tuple[list[Forgotten], Failures]:
    """Forget each, some at a time; what cannot be forgotten is reported by its index, from 0.

    An item is what a JSON body has, or the error that says why it cannot be one.
    """
    forgotten: list[Forgotten] = []
    errors = ItemErrors()
    rest = enumerate(items)
    while part := list(islice(rest, _AT_ONCE)):
        outcomes = await asyncio.gather(*(_forget_item(node, account, item) for _, item in part))
        for (index, _), outcome in zip(part, outcomes, strict=True):
            if isinstance(outcome, Forgotten):
                forgotten.append(outcome)
            elif isinstance(outcome, Unavailable):
                # Already forgotten ones stay so: sending the rest again completes it.
                if not any(isinstance(each, Forgotten) for each in (*forgotten[:1], *outcomes)):
                    raise outcome
                errors.add(503, index, "Not forgotten yet: send this item again")
            else:
                errors.add(outcome.code, index, outcome.messages[0])
    return forgotten, errors.failures()


async def _forget_item(node: Node, account: str, item: object) -> Forgotten | RequestError:
    if isinstance(item, RequestError):
        return item
    try:
        if not isinstance(item, dict):
            raise Unprocessable("An item must be an object with `uid`, `email` or `id`")
        named = parse_identifiers(item)  # pyright: ignore[reportUnknownArgumentType]
        return await forget(node, find(node, account, named))
    except RequestError as error:
        return error


def read_csv(body: bytes) -> list[Mapping[str, str]]:
    """The lines of a CSV whose header names `uid`, `email` or `id`. Raises `Unprocessable`."""
    try:
        lines = csv.DictReader(io.StringIO(body.decode("utf-8-sig")), strict=True)
        names = [name.strip() for name in lines.fieldnames or ()]
        if not set(names) & set(COLUMNS):
            raise Unprocessable("The CSV's first line must name `uid`, `email` or `id`")
        lines.fieldnames = names
        return [_given(line) for line in lines]
    except UnicodeDecodeError:
        raise Unprocessable("The CSV must be UTF-8") from None
    except csv.Error:
        raise Unprocessable("The CSV cannot be read: check its quotes") from None


def _given(line: Mapping[str, Any]) -> dict[str, str]:
    return {name: line[name] for name in COLUMNS if line.get(name)}
