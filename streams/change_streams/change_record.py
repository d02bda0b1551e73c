"""A record of ``profiles`` as streams show it, decoded once for all who get it."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from schemas.events import ENCODER
from schemas.identity import is_id
from schemas.public import ACCOUNT_HEADER, decode_change
from schemas.stream_cursors import StreamCursor
from schemas.timestamps import format_timestamp

FORGOTTEN: Final = "profile-forgotten"


class KafkaRecord(Protocol):
    """A record as the consumer has it; `timestamp`, in unix milliseconds, is when Kafka took it."""

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Shown(NamedTuple):
    """What a stream shows of a change: its type, what it changed, and the JSON of its data (contract §13)."""

    type: str
    changed: frozenset[str]
    data: bytes


class Link:
    """A link of an account's changes; `next` is the one that follows, or `CUT` where that was dropped from memory."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next: Link | None = None


CUT: Final = Link()


class ChangeRecord(Link):
    """One change of one profile.

    `cursor` is where a consumer resumes that has seen it. An `exact` one was read as it came; before others compaction
    may have removed some. `checked` and `head` are for who shows it: as of when that was allowed, and its first lines.
    """

    __slots__ = (
        "_shown",
        "_value",
        "account",
        "at",
        "checked",
        "cursor",
        "exact",
        "head",
        "id",
        "offset",
        "partition",
        "size",
    )

    def __init__(
        self, record: KafkaRecord, account: str, cursor: StreamCursor, *, exact: bool
    ) -> None:
        super().__init__()
        self.account = account
        self.id = (record.key or b"").decode()
        self.partition = record.partition
        self.offset = record.offset
        self.at = record.timestamp
        self.cursor = cursor
        self.exact = exact
        self.size = len(record.value or b"")
        self.checked: object = None
        self.head: bytes | None = None
        self._value = record.value
        self._shown: Shown | None = None

    @property
    def forgets(self) -> bool:
        """Whether it says that the profile is forgotten."""
        return self.size == 0

    @property
    def shown(self) -> Shown:
        """Raises `UndecodableRecord`."""
        if self._shown is None:
            self._shown = self._forgotten() if self._value is None else self._changed(self._value)
            self._value = None
        return self._shown

    def _changed(self, value: bytes) -> Shown:
        change = decode_change(value)
        data = b'{"profile":%b,"changed":%b,"at":"%b"}' % (
            bytes(change.profile),
            ENCODER.encode(change.changed),
            change.event.at.encode(),
        )
        return Shown(change.event.type, frozenset(change.changed), data)

    def _forgotten(self) -> Shown:
        shown = {"profile": {"id": self.id}, "changed": (), "at": format_timestamp(self.at)}
        return Shown(FORGOTTEN, frozenset(), ENCODER.encode(shown))


def account_of(record: KafkaRecord) -> str | None:
    """Whose a record of ``profiles`` is; None for one that is about no profile."""
    if record.key is None or not is_id(record.key.decode("ascii", "replace")):
        return None
    for name, value in record.headers:
        if name == ACCOUNT_HEADER:
            return value.decode()
    return None
