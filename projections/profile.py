"""A profile as it is kept: the document that a read answers, behind a small header.

The document is stored as the JSON of the answer, so that a read need not decode it. The header says what a
read, a fold or a check of the account must know without decoding the document.
"""

from typing import Any, Final, NamedTuple

import msgspec

from schemas.events import ENCODER

Document = dict[str, Any]

# What a clear resets to null (contract §7).
CLEARED: Final = (
    "browser_x",
    "browser_tz",
    "browser_l",
    "browser_n",
    "browser_k",
    "last_seen_at",
    "last_seen_session_count",
    "delivery_ids",
)
_MIN_FIELDS: Final = ("id", "created_at", "updated_at", "uid")


class Header(msgspec.Struct, array_like=True, gc=False):
    """`created` and `version` are offsets of events, the first and the last that changed the profile.

    `creation` is the history row of the first one (`projections.history`). `claim` is the key of the profile's current
    email claim, `company` the company that it is a member of.
    """

    account: str
    id: str
    created: int
    version: int
    creation: bytes
    claim: bytes | None = None
    company: str | None = None


_encode_row: Final = msgspec.msgpack.Encoder().encode
_read_row: Final = msgspec.msgpack.Decoder(tuple[Header, bytes])
_read_document: Final = msgspec.json.Decoder(dict[str, Any])


class Profile:
    """One profile, decoded; `user` is the keyed hash of its uid.

    `json` is the document's encoding as long as it is up to date.
    """

    __slots__ = ("_json", "document", "header", "id", "user")

    def __init__(
        self, user: bytes, header: Header, document: Document, json: bytes | None = None
    ) -> None:
        self.user = user
        self.id = header.id
        self.header = header
        self.document = document
        self._json = json

    @classmethod
    def decode(cls, user: bytes, row: bytes) -> "Profile":
        header, json = split(row)
        return cls(user, header, _read_document.decode(json), json)

    def changed(self) -> None:
        """Must be called after each change of the document."""
        self._json = None

    @property
    def json(self) -> bytes:
        if self._json is None:
            self._json = ENCODER.encode(self.document)
        return self._json

    def encode(self) -> bytes:
        return _encode_row((self.header, self.json))


class StoredProfile(NamedTuple):
    """A profile as it is now: its user's keyed uid hash, its header and its document's JSON."""

    user: bytes
    header: Header
    json: bytes

    @property
    def id(self) -> str:
        return self.header.id

    def document(self) -> Document:
        return decode_document(self.json)


def split(row: bytes) -> tuple[Header, bytes]:
    """The header, decoded, and the document's JSON."""
    return _read_row.decode(row)


def decode_document(json: bytes) -> Document:
    return _read_document.decode(json)


def min_document(document: Document) -> Document:
    """The min form of a profile (contract §5)."""
    return {name: document[name] for name in _MIN_FIELDS}
