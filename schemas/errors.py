"""The one tree of the service's errors.

::

    ProfilelogError
    ├── RequestError              an answer of the HTTP contract (contract §2)
    │   ├── NotJson               400
    │   ├── Unauthorized          403
    │   ├── NotFound              404
    │   ├── Conflict              409
    │   ├── TooLarge              413
    │   ├── Unprocessable         422
    │   │   └── InvalidValue      422, for one named value
    │   ├── TooManyRequests       429, with Retry-After
    │   └── Unavailable           503, with Retry-After
    ├── OperatorError             a person has to put something right before the service, or a command, can go on
    │   ├── Unfoldable            a record at which a partition of the log stops
    │   ├── DamagedState          a file of a state folder is missing, or is not what was written
    │   ├── DamagedLog            records of the log are missing, or are not what was written
    │   ├── WrongLog              the topics are not those that this deployment wrote
    │   ├── MissingRights         Kafka does not let the service do what it has to
    │   ├── ForeignState          a state folder was folded from another log
    │   ├── LostProgress          nothing says which outputs of a state were published
    │   ├── DiskFull              there is no room in the data folder
    │   └── BrokerError           the embedded broker cannot run
    │       ├── BrokerLocked
    │       ├── PortTaken
    │       ├── JarsUnavailable
    │       ├── JarMismatch
    │       ├── JavaMissing
    │       └── BrokerDied
    ├── UndecodableRecord         the bytes of a record are of no type, or version, that is known
    ├── UnreadableTable           a CSV or NDJSON file cannot be read, from a line on
    ├── DamagedIndex              a file of the search index is missing, or is not what was written
    ├── IndexProcessLost          the process that writes the search index ended, failed or hung
    ├── UnknownFormat             a file of RocksDB is written in a way that audits cannot read
    ├── Elsewhere                 another node owns the partition that a request is about
    ├── PeerError                 a node that was asked did not answer, or does not own the partition
    ├── PublicationFailed         a transaction of the relay did not commit, as far as is known
    ├── TooSlow                   a stream of changes has lost some before its client took them
    ├── Ended                     changes cannot be read any more
    ├── Refusal                   the HTTP parser refuses a request before a handler gets it (contract §2)
    └── Interrupted               a signal ended a command

Those below `DamagedLog` are defined where they are raised, and those that do not derive from `RequestError` or
`OperatorError` are caught inside the service: no caller meets them. `benchmarks` has a tree of its own. Errors of
libraries are caught where they arise, and become one of these when a caller has to know.

Texts never hold a uid, an email, a secret or a property value.
"""

from pathlib import Path
from typing import ClassVar, TypeAlias

import msgspec


class ProfilelogError(Exception):
    """Base of everything that profilelog raises on purpose."""


class RequestError(ProfilelogError):
    """A request that is answered with ``{"code", "messages"}`` (contract §2)."""

    code: ClassVar[int]

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


class NotJson(RequestError):
    """The body is not JSON; NaN and Infinity are not JSON either."""

    code = 400


class Unauthorized(RequestError):
    """The secret is wrong, missing or revoked (contract §1)."""

    code = 403


class NotFound(RequestError):
    """No such route, or no such thing in this account."""

    code = 404


class Conflict(RequestError):
    """Identifiers that name different profiles."""

    code = 409


class TooLarge(RequestError):
    """The body is over its limit, before or after decompression."""

    code = 413


class Unprocessable(RequestError):
    """Understood, but wrong; the message names the field."""

    code = 422


class InvalidValue(Unprocessable):
    """One value of what was sent cannot be stored, or cannot be an identifier (contract §3, §9).

    `name` is the normalized name of the property or parameter; `reason` says what it must be, never what it was.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason


class TooManyRequests(RequestError):
    """A limit of the account; ``wait`` is in seconds."""

    code = 429

    def __init__(self, *messages: str, wait: int) -> None:
        super().__init__(*messages)
        self.wait = wait


class Unavailable(RequestError):
    """The log cannot accept the write, or the projection is not caught up.

    ``retry_after`` is in seconds.
    """

    code = 503

    def __init__(self, *messages: str, retry_after: int = 1) -> None:
        super().__init__(*messages)
        self.retry_after = retry_after


class ItemError(msgspec.Struct, frozen=True):
    """One item of many that was not taken: `index` counts from 0 (contract §2)."""

    code: int
    index: int
    message: str


class OperatorError(ProfilelogError):
    """The service, or a command, cannot go on like this; the text says what to do about it."""


class Unfoldable(OperatorError):
    """A record of the log cannot be folded, so its partition stops before it (contract §15).

    `kind` is the name of the error's type; its text could show a value.
    """

    def __init__(self, topic: str, partition: int, offset: int, kind: str) -> None:
        super().__init__(
            f"{topic}-{partition} stops before offset {offset}, which cannot be folded ({kind}): find out what wrote "
            f"it; `profilelog set-aside {partition}:{offset} --why …` passes it over"
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.kind = kind


class DamagedState(OperatorError):
    """A file of a state folder is missing, or is not what was written; `where` names it, if RocksDB does."""

    def __init__(self, folder: Path, damaged_file: str | None = None) -> None:
        self.folder = folder
        self.damaged_file = damaged_file
        self.where = "" if damaged_file is None else f" in {damaged_file}"
        super().__init__(
            f"the state folder {folder.name} is damaged{self.where}: a start of the service removes it and folds the "
            "partition again from its log; check the disk"
        )


class DamagedLog(OperatorError):
    """From `offset` on records of the log are missing, or are not what was written; `what` says how that is known."""

    kind = "DamagedLog"

    def __init__(self, topic: str, partition: int, offset: int, what: str) -> None:
        super().__init__(
            f"the log is damaged: {topic}-{partition} from offset {offset} on: {what}. Put the topic's files back from "
            "another replica or a backup (docs/operating.md). Keep the folder `state`: it may have what the log has "
            "lost, and `profilelog audit` lists that"
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset


StoppedAt: TypeAlias = Unfoldable | DamagedLog
"""A record at which something of a node stops, for its operator (contract §15)."""
