"""What is indexed of a profile (`projections.search.fields`)."""

from typing import Any, Final, NamedTuple, cast

import msgspec

from projections.search import fields
from projections.search.encoding import (
    account_prefix,
    encode_large,
    encode_name,
    encode_text,
    event_term,
    is_large,
    mark_boolean_item,
    mark_container,
    mark_null,
    mark_number_item,
    mark_text_item,
    mark_time_item,
    plain_number,
)
from schemas.events import ENCODER
from schemas.identifiers import fold_email, uid_text
from schemas.properties import ValueType
from schemas.search.numbers import stored_integer
from schemas.timestamps import parse_stored_timestamp

_IDENTIFIERS: Final = ("id", "uid", "company_id", "company_uid")
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Tracked(msgspec.Struct, frozen=True):
    """What is kept of the events of one name (contract §11); `last_at` as a read shows it."""

    count: int
    last_at: str


_decode_tracked: Final = msgspec.json.Decoder(dict[str, Tracked]).decode


class Entry(NamedTuple):
    """A profile to be indexed, as of the event at `offset` of its partition.

    `document` is the JSON that is stored (`projections.profile`), `tracked` the JSON of what a read
    shows under ``events`` (contract §11).
    """

    id: str
    account: str
    document: bytes
    partition: int
    offset: int
    tracked: bytes | None = None


class Indexable(NamedTuple):
    """What tantivy takes of a profile: a JSON document, beside what it is found by to be replaced or removed."""

    id: str
    partition: int
    json: str

    @classmethod
    def of(cls, entry: Entry) -> "Indexable":
        """Some 50 us for a small profile."""
        return cls(entry.id, entry.partition, index_document(entry))


class _Leaves(NamedTuple):
    """The values of one hash by their kind, each under its name, and the type of each in `names`."""

    text: dict[str, Any]
    number: dict[str, Any]
    time: dict[str, Any]
    names: list[str]


def index_document(entry: Entry) -> str:
    """The JSON that tantivy takes."""
    document = _decode(entry.document)
    created = parse_stored_timestamp(document["created_at"]) or 0
    leaves, marks = _Leaves({}, {}, {}, []), list[str]()
    identifiers = _take_identifiers(document)
    _sort(document, "", account_prefix(entry.account), leaves, marks)
    leaves.text.update(identifiers)
    tracked = {} if entry.tracked is None else _decode_tracked(entry.tracked)
    leaves.names.extend(event_term(entry.account, name) for name in tracked)
    indexed: dict[str, Any] = {
        fields.ID: entry.id,
        fields.ACCOUNT: entry.account,
        fields.PARTITION: entry.partition,
        fields.ORDER: fields.order_key(created, entry.id),
        fields.TEXT: leaves.text,
        fields.NUMBER: leaves.number,
        fields.TIME: leaves.time,
        fields.MARKS: marks,
        fields.NAMES: " ".join(leaves.names),
        fields.UPDATED: parse_stored_timestamp(document["updated_at"]) or 0,
    }
    if tracked:
        _add_tracked(indexed, tracked)
    return ENCODER.encode(indexed).decode()


def _take_identifiers(document: dict[str, Any]) -> dict[str, str]:
    """Take out what is compared as a text whatever it looks like; an email folded (contract §3)."""
    taken: dict[str, str] = {}
    for name in _IDENTIFIERS:
        if (value := document.get(name)) is not None:
            del document[name]
            taken[name] = encode_text(uid_text(value))
    if (email := document.get("email")) is not None:
        del document["email"]
        taken["email"] = encode_text(fold_email(email))
    return taken


def _sort(
    hash_: dict[str, Any], prefix: str, name_prefix: str, leaves: _Leaves, marks: list[str]
) -> None:
    """Put each value where its kind is indexed.

    `prefix` is the dotted path, with its dot, and `name_prefix` the same of whole names behind `account_prefix`.
    """
    text, number, time, names = leaves
    for full_name, value in hash_.items():
        name = encode_name(full_name)
        kind = cast("type[object]", type(value))
        type_: ValueType
        if kind is str:
            moment = parse_stored_timestamp(value)
            if moment is None:
                type_ = "string"
                text[name] = encode_text(value)
                if (integer := stored_integer(value)) is not None:
                    number[name] = encode_large(integer)
            else:
                type_ = "timestamp"
                time[name] = moment
        elif kind is bool:
            type_ = "boolean"
            number[name] = value
        elif kind is int or kind is float:
            type_ = "number"
            number[name] = encode_large(value) if is_large(value) else plain_number(value)
        elif value is None:
            type_ = "null"
            marks.append(mark_null(prefix + name))
        elif kind is list:
            type_ = "array"
            marks.append(mark_container(prefix + name))
            for item in value:
                _mark_item(marks, prefix + name, item)
        else:
            type_ = "hash"
            marks.append(mark_container(prefix + name))
            inner = _Leaves({}, {}, {}, names)
            _sort(value, f"{prefix}{name}.", f"{name_prefix}{full_name}.", inner, marks)
            for outer, sorted_ in zip(leaves[:3], inner[:3], strict=True):
                if sorted_:
                    outer[name] = sorted_
        names.append(f"{name_prefix}{full_name},{type_}")  # `name_term`, which is called too often


def _mark_item(marks: list[str], path: str, item: str | float) -> None:
    if isinstance(item, bool):
        marks.append(mark_boolean_item(path, item))
    elif isinstance(item, (int, float)):
        marks.append(mark_number_item(path, item))
    elif (moment := parse_stored_timestamp(item)) is not None:
        marks.append(mark_time_item(path, moment))
    else:
        marks.append(mark_text_item(path, item))
        if (integer := stored_integer(item)) is not None:
            marks.append(mark_number_item(path, integer))


def _add_tracked(indexed: dict[str, Any], tracked: dict[str, Tracked]) -> None:
    counts: dict[str, int] = {}
    last: dict[str, int | None] = {}
    for name, event in tracked.items():
        counts[encode_name(name)] = event.count
        last[encode_name(name)] = parse_stored_timestamp(event.last_at)
    indexed[fields.EVENT_COUNT] = counts
    indexed[fields.EVENT_LAST] = last
