"""Which partitions the search index is of."""

from pathlib import Path

from streams.indexing.coverage import Coverage


def test_nothing_is_known_of_an_index_that_was_never_complete(tmp_path: Path) -> None:
    coverage = Coverage(tmp_path)
    coverage.read()

    assert not coverage.is_of([])
    assert not coverage.is_of([0])


def test_a_later_process_knows_what_is_complete(tmp_path: Path) -> None:
    Coverage(tmp_path).complete([2, 0])

    later = Coverage(tmp_path)
    later.read()

    assert later.is_of([0, 2])
    assert not later.is_of([0, 1, 2])


def test_an_index_that_is_built_anew_is_of_none_until_it_is_complete(tmp_path: Path) -> None:
    Coverage(tmp_path).complete([0])
    building = Coverage(tmp_path)
    building.read()
    building.begin()

    for coverage in (building, Coverage(tmp_path)):
        coverage.read()
        assert not coverage.is_of([0])


def test_a_damaged_file_is_like_none(tmp_path: Path) -> None:
    Coverage(tmp_path).complete([0])
    next(tmp_path.iterdir()).write_bytes(b"[0")

    coverage = Coverage(tmp_path)
    coverage.read()

    assert not coverage.is_of([0])
