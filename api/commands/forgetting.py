"""Forget profiles (contract §8)."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, NamedTuple

from api.commands.addressing import NO_PROFILE, by_id, find, parse_identifiers
from api.commands.item_errors import Failures, ItemErrors
from projections.profile import StoredProfile
from schemas.errors import NotFound, RequestError, Unavailable, Unprocessable
from streams.clock import now
from streams.cluster.operations import ForgetProfile, ForgottenAt
from streams.erasure.forget_event import forget_event
from streams.node import Node
from streams.partition.owned_partitions import Elsewhere

# Forgets that follow one another in the log share the request to the broker, the fold's write and the transaction of
# what follows from them; more at once would make others wait for the loop.
_AT_ONCE: Final = 24


class Forgotten(NamedTuple):
    """A profile that is forgotten, the id of the deletion, and where its event stands."""

    profile: str
    deletion: str
    partition: int
    offset: int

    @property
    def position(self) -> str:
        """`X-Log-Position` (contract §14)."""
        return f"{self.partition}:{self.offset}"


async def forget(node: Node, profile: StoredProfile) -> Forgotten:
    """Erase the profile, of this node; from the answer on no read shows it.

    Raises `NotFound`, `Elsewhere`, `Unavailable`.
    """
    partition = node.identity.partition_of_id(profile.id)
    state = node.partitions.profiles(partition)
    event = forget_event(state, profile, now())
    written = await node.write(partition, event)
    if written.verdict.outcome == "missing":
        raise NotFound(NO_PROFILE)
    return Forgotten(profile.id, event.deletion, partition, written.verdict.offset)


async def forget_here(node: Node, asked: ForgetProfile) -> ForgottenAt | None:
    """What another node asks. Raises `Elsewhere`, `Unavailable`."""
    profile = by_id(node, asked.account, asked.id)
    try:
        done = None if profile is None else await forget(node, profile)
    except NotFound:
        return None
    return None if done is None else ForgottenAt(done.deletion, done.offset)


async def _forget_anywhere(node: Node, profile: StoredProfile) -> Forgotten:
    try:
        return await forget(node, profile)
    except Elsewhere:
        partition = node.identity.partition_of_id(profile.id)
        asked = ForgetProfile(partition, profile.header.account, profile.id)
        done = await node.cluster.peers.ask(asked)
    if done is None:
        raise NotFound(NO_PROFILE)
    return Forgotten(profile.id, done.deletion, partition, done.offset)


async def forget_many(
    node: Node, account: str, items: AsyncIterable[tuple[int, object]]
) -> tuple[list[Forgotten], Failures]:
    """Forget each, some at a time; what cannot be forgotten is reported by the index that comes with it.

    An item is what a JSON body has, or the error that says why it cannot be one.
    """
    forgotten: list[Forgotten] = []
    errors = ItemErrors()
    async for part in _parts(items):
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


async def _parts(
    items: AsyncIterable[tuple[int, object]],
) -> AsyncIterator[list[tuple[int, object]]]:
    part: list[tuple[int, object]] = []
    async for item in items:
        part.append(item)
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


async def _forget_item(node: Node, account: str, item: object) -> Forgotten | RequestError:
    if isinstance(item, RequestError):
        return item
    try:
        if not isinstance(item, dict):
            raise Unprocessable("An item must be an object with `uid`, `email` or `id`")
        named = parse_identifiers(item)  # pyright: ignore[reportUnknownArgumentType]
        return await _forget_anywhere(node, await find(node, account, named))
    except RequestError as error:
        return error
