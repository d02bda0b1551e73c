"""Searching the bytes of files (`streams.auditing.traces.files`, `streams.auditing.traces.segments`)."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.auditing.traces import files
from streams.auditing.traces.files import Hit, Needle, new_files, search
from streams.auditing.traces.segments import partition_of


def hits(path: Path, *needles: Needle) -> list[Hit]:
    return search(path, needles, lambda _: None).hits


def batch(offset: int, content: bytes, attributes: int = 0) -> bytes:
    """A batch of records as a segment has it: the header's first fields, then anything."""
    rest = struct.pack(">ibIh", 0, 2, 0, attributes) + content
    return struct.pack(">qi", offset, len(rest)) + rest


LITERALS = (b"a", b"ab", b"bab", b"abab")


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a", b"b", b"ab", b"B"]), max_size=40), st.integers(1, 9))
def test_needles_are_found_and_counted_wherever_chunks_cut_them(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], chunk: int
) -> None:
    content = b"".join(parts)
    path = tmp_path_factory.mktemp("files") / "file"
    path.write_bytes(content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "_CHUNK_BYTES", chunk)
        found = hits(path, *(Needle(literal.decode(), literal) for literal in LITERALS))

    places = {
        it: [at for at in range(len(content)) if content.startswith(it, at)] for it in LITERALS
    }
    assert set(found) == {
        Hit(it.decode(), path, there[0], len(there)) for it, there in places.items() if there
    }


def test_a_folded_needle_is_found_in_either_case(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'x "Ada@X.example" y')

    assert hits(path, Needle("email", b'"ada@x.example"', folded=True)) == [
        Hit("email", path, 2, 1)
    ]
    assert hits(path, Needle("email", b'"ada@x.example"')) == []


def test_a_hit_in_a_segment_has_its_partition_and_offset(tmp_path: Path) -> None:
    path = tmp_path / "x.profile-events-12" / "00000000000000000007.log.deleted"
    path.parent.mkdir()
    path.write_bytes(batch(7, b"bob") + batch(9, b"ada") + batch(12, b"ada", attributes=4))

    found = search(path, [Needle("uid", b"ada")], lambda _: None)

    (hit,) = found.hits
    assert (hit.topic, hit.partition, hit.offset, hit.times) == ("x.profile-events", 12, 9, 2)
    assert found.compressed == 1


@pytest.mark.parametrize(
    "name",
    [
        "state/profile-events-0/000004.log",
        "profile-events-0/00000000000000000000.index",
        "profile-events-0.5e-delete/00000000000000000000.log",
        "kafka/00000000000000000000.log",
    ],
)
def test_other_files_are_of_no_partition(name: str) -> None:
    assert partition_of(Path(name)) is None


def test_a_file_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert hits(tmp_path / "gone", Needle("uid", b"ada")) == []


def test_files_that_come_or_are_replaced_meanwhile_are_seen_too(tmp_path: Path) -> None:
    (tmp_path / "under").mkdir()
    old, replaced = tmp_path / "old", tmp_path / "under" / "replaced"
    old.write_bytes(b"1")
    replaced.write_bytes(b"2")
    files = new_files(tmp_path)

    first = [next(files), next(files)]
    (tmp_path / "cleaned").write_bytes(b"3")
    (tmp_path / "cleaned").replace(replaced)
    (tmp_path / "new").write_bytes(b"4")

    assert first == [old, replaced]
    assert list(files) == [tmp_path / "new", replaced]
