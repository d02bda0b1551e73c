"""Requests with an Idempotency-Key: sent again, they get the first answer and have one effect (contract §14).

1. Requests of one key go to the owner of a partition that the key leads to, and wait for each other there; of those
   that meet on two nodes, because it has moved, the fold takes one.
2. What is known of the key is looked up in every partition: the first attempt may have gone to any.
3. The event carries the key's id, so that its fold remembers it, with the answer. A batch says first that it begins,
   and each item carries an id of its own.
4. A refused request made no event that stays, so nothing is remembered of it. One that is in doubt is remembered
   here by whom it meant: an email may lead to somebody else when it is sent again.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from weakref import WeakValueDictionary

from cachetools import FIFOCache

from api.commands.addressing import NO_PROFILE
from api.commands.pacing import beside
from projections.fold.verdict import Verdict
from projections.repeats import First, Opened
from schemas.canonical import canonical_json
from schemas.errors import NotFound, Unavailable, Unprocessable
from schemas.events import ENCODER, AboutUser, BatchOpened
from schemas.identity import batch_id, item_repeat_id
from streams.clock import now
from streams.node import Node, Written

MAX_KEY_LENGTH: Final = 255
_KEPT: Final = 10_000
_BAD_KEY: Final = f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters"
_OTHER_REQUEST: Final = (
    "Idempotency-Key: another request came with it within 24 hours, send this one with a new key"
)


class Target(NamedTuple):
    """Whom a write means: its partition, and the event's `uid` or `id`."""

    partition: int
    names: dict[str, Any]


@dataclass
class KeyedRequest:
    """One request with a key. `first` or `opened` say what an earlier one has left.

    `former` is the fingerprint that an older version gave the request.
    """

    node: Node
    account: str
    id: str
    fingerprint: str
    former: str
    first: First | None = None
    opened: Opened | None = None
    target: Target | None = None

    @property
    def batch(self) -> str:
        """The id of the batch, if it is one."""
        return batch_id(self.id)

    def item(self, index: int) -> str:
        """The idempotency id of an item of the batch."""
        return item_repeat_id(self.id, index)

    async def aim(self, find: Callable[[], Awaitable[Target]]) -> Target:
        """Whom the request means: whom an earlier attempt found, or else whom `find` finds."""
        if self.target is None:
            self.target = await find()
        return self.target

    async def look_up(self) -> None:
        """Find what an earlier request has left. Raises `Unprocessable`, `NotFound`, `Unavailable`."""
        attempts = await self.node.cluster.attempts(self.id, self.batch, now())
        if any(attempt.is_refused for attempt in attempts):
            raise NotFound(NO_PROFILE)
        self.first = next(filter(None, (attempt.first for attempt in attempts)), None)
        self.opened = next(filter(None, (attempt.opened for attempt in attempts)), None)
        for known in (self.first, self.opened):
            if known is not None and known.fingerprint not in (self.fingerprint, self.former):
                raise Unprocessable(_OTHER_REQUEST)

    async def write(self, partition: int, event: AboutUser) -> Written:
        """Write the event, unless another node was faster. Raises like `Node.write`."""
        written = await self.node.write(partition, event)
        if written.verdict.outcome != "duplicate":
            return written
        await self.look_up()
        return await self.answered()

    async def answered(self) -> Written:
        """The first attempt as it was answered, once every read shows it. Raises `Unavailable`."""
        first = self.first
        if first is None:
            raise Unavailable("an earlier attempt is not settled yet: send it again")
        partition = self.node.identity.partition_of_id(first.id)
        await self.node.reach({partition: first.offset}, self.node.deployment.write_timeout)
        outcome = "created" if first.created else "updated"
        return Written(partition, Verdict(outcome, first.offset, first.id))

    async def open(self) -> int:
        """Append that the batch begins, unless the log has that; returns the time of its events."""
        if self.opened is not None:
            return self.opened.at
        at = now()
        event = BatchOpened(
            account=self.account, at=at, id=self.batch, fingerprint=self.fingerprint
        )
        await self.node.write(self.node.identity.partition_of_id(event.id), event)
        return at


class Repeats:
    """The keys that this node handles now, and those in doubt."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._in_doubt = FIFOCache[str, KeyedRequest](_KEPT)

    @contextlib.asynccontextmanager
    async def keyed(
        self, account: str, key: str | None, route: str, body: bytes | Mapping[str, object]
    ) -> AsyncGenerator[KeyedRequest | None]:
        """The request of a route, alone with its key; None without one.

        Raises `Unprocessable` for a key that is none or was another request's, `NotFound` when the user of the first
        attempt was forgotten; `Elsewhere`, `Unavailable`.
        """
        if key is None:
            yield None
            return
        if not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise Unprocessable(_BAD_KEY)
        identity = self._node.identity
        if isinstance(body, bytes):
            request = former = identity.request_hash(account, route, body)
        else:
            request = identity.request_hash(account, route, await beside(canonical_json, body))
            # Until equal values were equal requests, what was remembered was the body in its own order.
            former = identity.request_hash(account, route, ENCODER.encode(body))
        repeat = identity.repeat_id(account, key)
        keyed = KeyedRequest(self._node, account, repeat, request, former)
        # One node has all requests of a key, so that they wait for each other.
        self._node.partitions.profiles(identity.partition_of_id(keyed.batch))
        lock = self._locks.setdefault(keyed.id, asyncio.Lock())
        async with lock:
            await keyed.look_up()
            self._recall(keyed)
            try:
                yield keyed
            except (Unavailable, asyncio.CancelledError):
                self._in_doubt[keyed.id] = keyed
                raise

    def _recall(self, keyed: KeyedRequest) -> None:
        before = self._in_doubt.pop(keyed.id, None)
        if before is not None and before.fingerprint == keyed.fingerprint:
            keyed.target = before.target


async def first_attempt(node: Node, repeat: str, at: int) -> First | None:
    """The first attempt of an idempotency id, wherever it went. Raises `Unavailable`."""
    attempts = await node.cluster.attempts(repeat, "", at)
    return next(filter(None, (attempt.first for attempt in attempts)), None)
