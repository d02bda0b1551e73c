"""Asking the owner of a partition, over HTTP: one hop, on the port that answers requests (`api.nodes`)."""

import time
from typing import Final, TypeVar, cast

import aiohttp
import msgspec
from faust.types import TP

from schemas.errors import ProfilelogError, Unavailable
from streams.cluster.operations import Operation, Question
from streams.cluster.owners import Owners
from streams.log.topics import Topics
from streams.partition.leases import Owner

DOOR: Final = "/nodes/door"
DOOR_KEY_HEADER: Final = "x-profilelog-door"
NOT_THE_OWNER: Final = 421

CONNECT_SECONDS: Final = 1.0
_MORE_SECONDS: Final = 2.0  # than a write may take
_LOOK_AGAIN_SECONDS: Final = 0.2
_MOST_CONNECTIONS: Final = 100  # to one node, for questions of one kind

NOT_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Errors after which the node has certainly got nothing."""

IN_DOUBT: Final = (
    "the node that handles the write did not answer: it may have been taken, send it again"
)

Answered = TypeVar("Answered")


def moving() -> Unavailable:
    """For a partition that has no owner now who answers."""
    return Unavailable("a part of the data moves between nodes, try again", retry_after=1)


class PeerError(ProfilelogError):
    """A node did not answer, or answered that it does not own the partition.

    `in_doubt`: it may have done what it was asked all the same.
    """

    def __init__(self, text: str, *, in_doubt: bool = False) -> None:
        super().__init__(text)
        self.in_doubt = in_doubt


class Peers:
    """Asks other nodes; `key` shows them that a node asks. `patience` in seconds, until a partition has an owner."""

    def __init__(self, owners: Owners, topics: Topics, key: str, patience: float) -> None:
        self.owners = owners
        self.key = key
        self.patience = patience
        self._topics = topics
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._unreached: set[str] = set()

    async def stop(self) -> None:
        """Closes the connections."""
        for session in self._sessions.values():
            await session.close()

    @property
    def requests(self) -> aiohttp.ClientSession:
        """For requests of users: each has a connection of its own here already, which bounds their number."""
        return self._session("requests", most=0)

    def _session(self, kind: str, most: int) -> aiohttp.ClientSession:
        """Connections that are kept between requests, at most so many to one node.

        Those of one kind wait for each other only. A write waits for its claims to settle, which waits for folds: of
        what waits here and there for something else, nothing may hold the connections that the other needs.
        """
        if kind not in self._sessions:
            self._sessions[kind] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=most),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._sessions[kind]

    def is_reached(self, owner: Owner) -> bool:
        """Whether the last connection to the node was made; so too before the first."""
        return owner.node not in self._unreached

    def note(self, owner: Owner, *, reached: bool) -> None:
        """A connection to the node was made, or could not be made."""
        if reached:
            self._unreached.discard(owner.node)
        else:
            self._unreached.add(owner.node)

    def tp(self, operation: "Operation[Answered]") -> TP:
        """The partition that an operation is about."""
        topic = self._topics.emails if operation.on_emails else self._topics.events
        return TP(topic, operation.partition)

    async def ask(self, operation: "Operation[Answered]") -> Answered:
        """Asks the owner; looks for it again while the partition moves, to this node perhaps. Raises `Unavailable`."""
        until = time.monotonic() + self.patience
        tp = self.tp(operation)
        while time.monotonic() < until:
            if (owner := self.owners.of(tp)) is not None:
                try:
                    return await self.ask_node(owner, operation)
                except PeerError as error:
                    if error.in_doubt and operation.writes:
                        raise Unavailable(IN_DOUBT) from None
            await self.until_moved()
        raise moving()

    async def ask_node(self, owner: Owner, operation: "Question[Answered]") -> Answered:
        """Asks a node once. Raises `PeerError`, and `Unavailable` where the node does."""
        seconds = operation.seconds or self.patience + _MORE_SECONDS
        try:
            async with self._session(type(operation).__name__, _MOST_CONNECTIONS).post(
                owner.url + DOOR,
                data=msgspec.msgpack.encode(operation),
                headers={DOOR_KEY_HEADER: self.key},
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
            ) as answer:
                body = await answer.read()
        except NOT_CONNECTED as error:
            self.note(owner, reached=False)
            raise PeerError(f"a node was not reached ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            self.note(owner, reached=False)
            text = f"a node did not answer ({type(error).__name__})"
            raise PeerError(text, in_doubt=True) from None
        self.note(owner, reached=True)
        match answer.status:
            case 200:
                try:
                    decoded = msgspec.msgpack.decode(body, type=type(operation).answer)
                except msgspec.DecodeError:
                    raise PeerError("no node of this version answers", in_doubt=True) from None
                return cast("Answered", decoded)
            case 503:
                raise Unavailable(body.decode())
            case status:
                raise PeerError(f"a node answered {status}")

    async def until_moved(self) -> None:
        """Waits a moment for a partition to get another owner."""
        await self.owners.changed(_LOOK_AGAIN_SECONDS)
