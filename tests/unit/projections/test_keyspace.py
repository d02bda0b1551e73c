"""Keys are made and read in one place, and what is made of fields is read as these fields."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import projections
import streams
from projections import keyspace
from projections.auditing import key_fields

ID = st.binary(min_size=12, max_size=12).map(bytes.hex)
HASH = st.binary(min_size=16, max_size=16)
HASH_HEX = HASH.map(bytes.hex)
OFFSET = st.integers(0, (1 << 63) - 1)
BYTES = st.binary(min_size=1, max_size=32)

ENCODERS: Final[dict[bytes, tuple[Callable[..., bytes], dict[str, st.SearchStrategy[Any]]]]] = {
    keyspace.DOCUMENTS: (keyspace.document, {"user": HASH}),
    keyspace.USERS: (keyspace.user, {"profile": ID}),
    keyspace.HISTORY: (keyspace.history, {"profile": ID, "offset": OFFSET}),
    keyspace.COUNTERS: (keyspace.counter, {"profile": ID, "name_hash": HASH}),
    keyspace.OCCURRENCES: (
        keyspace.occurrence,
        {"profile": ID, "name_hash": HASH, "ring_index": st.integers(0, 255)},
    ),
    keyspace.REPEATS: (keyspace.repeat, {"profile": ID, "idempotency": HASH_HEX}),
    keyspace.REPEATED: (keyspace.repeated, {"idempotency": HASH_HEX}),
    keyspace.OPENED: (keyspace.opened, {"batch": ID}),
    keyspace.FORGOTTEN: (keyspace.forgotten, {"profile": ID}),
    keyspace.SPENT: (keyspace.spent, {"idempotency": HASH_HEX}),
    keyspace.MEMBERS: (keyspace.member, {"company": ID, "profile": ID}),
    keyspace.GONE: (keyspace.gone, {"company": ID}),
    keyspace.RECEIPTS: (keyspace.receipt, {"deletion": ID}),
    keyspace.TOMBSTONED: (keyspace.tombstoned, {"deletion": ID}),
    keyspace.PURGED: (keyspace.purged, {"deletion": ID}),
    keyspace.WAITING: (keyspace.waiting, {"offset": OFFSET, "deletion": ID}),
    keyspace.LATE: (keyspace.late, {"offset": OFFSET}),
    keyspace.DELETIONS: (keyspace.deletion, {"account": ID, "time": OFFSET, "deletion": ID}),
    keyspace.BATCHES: (keyspace.batch, {"batch": ID}),
    keyspace.OUTBOX: (keyspace.outbox, {"offset": OFFSET, "number": st.integers(0, 1 << 31)}),
    keyspace.CHANGED: (keyspace.changed, {"offset": OFFSET}),
    keyspace.UNDECODED: (keyspace.undecoded, {"offset": OFFSET}),
    keyspace.META: (keyspace.META.__add__, {"name": BYTES}),
    keyspace.EMAILS: (keyspace.email, {"email": HASH}),
    keyspace.CLAIMED: (keyspace.claim, {"claim": BYTES}),
    keyspace.WATERMARKS: (keyspace.watermark, {"source": st.integers(0, 1 << 31)}),
    keyspace.TOMBSTONES: (keyspace.tombstones, {"offset": OFFSET}),
}
KINDS = st.sampled_from(keyspace.PREFIXES)

# What reads one field alone, for where all of them would be too dear.
DECODERS: Final[list[tuple[Callable[[bytes], object], bytes, str]]] = [
    (keyspace.user_id, keyspace.USERS, "profile"),
    (keyspace.history_offset, keyspace.HISTORY, "offset"),
    (keyspace.repeat_id, keyspace.REPEATS, "idempotency"),
    (lambda key: keyspace.repeat_profile(key).hex(), keyspace.REPEATS, "profile"),
    (keyspace.repeated_id, keyspace.REPEATED, "idempotency"),
    (keyspace.name_hash, keyspace.COUNTERS, "name_hash"),
    (keyspace.name_hash, keyspace.OCCURRENCES, "name_hash"),
    (keyspace.ring_index, keyspace.OCCURRENCES, "ring_index"),
    (keyspace.member_id, keyspace.MEMBERS, "profile"),
    (keyspace.member_company, keyspace.MEMBERS, "company"),
    (keyspace.waiting_id, keyspace.WAITING, "deletion"),
    (keyspace.late_offset, keyspace.LATE, "offset"),
    (keyspace.deletion_id, keyspace.DELETIONS, "deletion"),
    (keyspace.changed_offset, keyspace.CHANGED, "offset"),
    (keyspace.tombstones_offset, keyspace.TOMBSTONES, "offset"),
]


def drawn(data: st.DataObject, prefix: bytes) -> tuple[bytes, dict[str, Any]]:
    """A key with this prefix, and what it was made of."""
    encode, fields = ENCODERS[prefix]
    values = {name: data.draw(values, name) for name, values in fields.items()}
    return encode(*values.values()), values


def test_every_prefix_is_one_byte_of_its_own_and_has_an_encoder() -> None:
    assert len(set(keyspace.PREFIXES)) == len(keyspace.PREFIXES)
    assert {len(prefix) for prefix in keyspace.PREFIXES} == {1}
    assert set(keyspace.PREFIXES) == ENCODERS.keys()


@settings(deadline=None)
@given(KINDS, st.data())
def test_a_key_is_read_as_what_it_was_made_of(prefix: bytes, data: st.DataObject) -> None:
    key, values = drawn(data, prefix)

    assert keyspace.prefix_of(key) == prefix
    assert key_fields.fields(key) == values
    start, stop = keyspace.bounds(prefix)
    assert start <= key < stop


@settings(deadline=None)
@given(st.sampled_from(DECODERS), st.data())
def test_a_field_alone_is_read_as_among_all(
    decoder: tuple[Callable[[bytes], object], bytes, str], data: st.DataObject
) -> None:
    decode, prefix, name = decoder
    key, values = drawn(data, prefix)

    assert decode(key) == values[name]


@settings(deadline=None)
@given(KINDS, st.data())
def test_a_row_about_a_profile_has_it_as_its_subject(prefix: bytes, data: st.DataObject) -> None:
    key, values = drawn(data, prefix)

    if "profile" in values:
        assert keyspace.subject(key) == (prefix, bytes.fromhex(values["profile"]))


def test_of_a_kind_that_is_not_known_nothing_is_read() -> None:
    assert key_fields.fields(b"?" + bytes(40)) == {}


# ---------------------------------------------------------------------- the one place


def places(source: str) -> list[int]:
    """The lines that spell a prefix, or cut a key up."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr)]
    return [node.lineno for node in nodes if _spells(node) or _cuts(node)]


def _spells(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in keyspace.PREFIXES


def _cuts(node: ast.expr) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice | ast.Constant):
        return False
    return ast.unparse(node.value).endswith("key")


def sources() -> Iterator[Path]:
    """The modules that have to do with rows, but for the keyspace itself."""
    for package in (projections, streams):
        for folder in package.__path__:
            yield from Path(folder).rglob("*.py")


def test_no_other_module_spells_a_prefix_or_cuts_a_key_up() -> None:
    found = {
        f"{path.name}:{line}"
        for path in sources()
        if path.name not in ("keyspace.py", "key_fields.py")
        for line in places(path.read_text())
    }

    assert found == set()


@pytest.mark.parametrize("source", ['x = b"H" + id_', "x = key[1:13]", "x = row.key[1]"])
def test_a_second_place_would_be_seen(source: str) -> None:
    assert places(source) == [1]
