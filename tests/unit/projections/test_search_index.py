"""The live index: what is gone is not found, what is damaged is not used, what is erased is erased."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from projections.search import fields
from projections.search.documents import Entry
from projections.search.pages import Window
from schemas.errors import Unavailable
from schemas.search.conditions import EVERYBODY, AllOf, Condition, Contains, Exists, Not, OneOf
from schemas.search.operators import MAX_SUBSTRING
from tests.support.searching import ORIGIN, LocalIndex, complete_index, profile, upsert

A, B, C = ("a" * 24, "b" * 24, "c" * 24)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    index = complete_index(tmp_path)
    yield index
    index.close()


def ids(index: LocalIndex) -> list[str]:
    return index.page("account", EVERYBODY, Window(), 500).ids


def number(index: LocalIndex) -> int:
    return index.count("account", EVERYBODY)


def holders(index: LocalIndex, condition: Condition) -> list[str]:
    """Whom a page shows, and a count counts."""
    ids = index.page("account", condition, Window(), 500).ids
    assert index.count("account", condition) == len(ids)
    return ids


# --- changes


def test_a_profile_is_found_once_it_is_committed(index: LocalIndex) -> None:
    index.upsert(profile(A))
    assert number(index) == 0

    index.commit()
    assert number(index) == 1


def test_a_profile_is_found_as_it_was_last_written(index: LocalIndex) -> None:
    upsert(index, [profile(A, plan="free"), profile(A, plan="gold")])
    upsert(index, [profile(A, plan="basic")])

    plans = [
        index.count("account", OneOf(("plan",), (plan,))) for plan in ("free", "gold", "basic")
    ]
    assert plans == [0, 0, 1]


def test_a_deleted_profile_is_gone_at_once(index: LocalIndex) -> None:
    upsert(index, [profile(A), profile(B)])

    index.delete(A)

    assert (ids(index), number(index)) == ([B], 1)
    index.commit()
    assert (ids(index), number(index)) == ([B], 1)


def test_a_profile_that_is_deleted_between_two_commits_never_shows(index: LocalIndex) -> None:
    index.upsert(profile(A))
    index.delete(A)
    index.commit()

    assert ids(index) == []


# --- rebuild


def test_an_index_that_was_never_built_answers_nothing(tmp_path: Path) -> None:
    index = LocalIndex(tmp_path, ORIGIN)

    assert not index.is_open
    with pytest.raises(Unavailable):
        number(index)
    index.upsert(profile(A))
    index.commit()
    assert not index.is_open


def test_a_rebuild_holds_what_it_was_given_and_what_changed_meanwhile(index: LocalIndex) -> None:
    upsert(index, [profile(A), profile(B)])

    index.begin_rebuild()
    index.add([profile(A, plan="kept"), profile(B)])
    index.delete(B)
    upsert(index, [profile(C)])
    assert ids(index) == [C, A]
    index.finish_rebuild()

    assert ids(index) == [C, A]
    assert index.count("account", OneOf(("plan",), ("kept",))) == 1


FEW = [f"{number:024x}" for number in range(6)]
steps = st.tuples(st.sampled_from(["change", "delete"]), st.sampled_from(FEW)) | st.sampled_from(
    [("add", ""), ("commit", "")]
)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(FEW[:4])), st.lists(steps, max_size=25))
def test_a_rebuild_holds_each_profile_once_whatever_changes_meanwhile(
    there: set[str], steps: list[tuple[str, str]]
) -> None:
    with TemporaryDirectory() as folder:
        index = complete_index(Path(folder))
        known = dict.fromkeys(there, "old")
        upsert(index, [profile(id_, plan="old") for id_ in known])
        left = sorted(known)
        index.begin_rebuild()

        def add(left: list[str]) -> None:
            if left and (id_ := left.pop()) in known:
                index.add([profile(id_, plan=known[id_])])

        for number, (step, id_) in enumerate(steps):
            match step:
                case "change":
                    known[id_] = f"plan {number}"
                    index.upsert(profile(id_, plan=known[id_]))
                case "delete":
                    known.pop(id_, None)
                    index.delete(id_)
                case "add":
                    add(left)
                case _:
                    index.commit()
        while left:
            add(left)
        index.finish_rebuild()
        index.upsert(profile("f" * 24, plan="new"))
        index.commit()

        for id_, plan in {**known, "f" * 24: "new"}.items():
            assert id_ in holders(index, OneOf(("plan",), (plan,)))
        assert len(holders(index, EVERYBODY)) == len(known) + 1
        index.close()


def test_a_rebuild_that_ends_half_way_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    index = complete_index(tmp_path)
    upsert(index, [profile(A)])
    index.begin_rebuild()
    index.add([profile(B)])
    del index

    again = LocalIndex(tmp_path, ORIGIN)
    assert ids(again) == [A]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["0"]
    again.close()


def test_erased_bytes_leave_the_files(tmp_path: Path) -> None:
    index = complete_index(tmp_path)
    erased = profile(
        A,
        email="erika@x.io",
        plan="zinnober",
        address={"city": "Quakenburg"},
        note="mirabelle",
        hagebutte=1,
    )
    words = (A, "erika", "zinnober", "Quakenburg", "mirabelle", "hagebutte")
    kept = [profile(B, plan="magenta"), profile(C, plan="indigo")]
    upsert(index, [erased, *kept])
    assert words_in_files(tmp_path, words) == words

    index.delete(A)
    index.commit()
    assert words_in_files(tmp_path, words) == words  # which is why there is a rebuild

    index.begin_rebuild()
    index.add(kept)
    index.finish_rebuild()

    assert words_in_files(tmp_path, words) == ()
    assert words_in_files(tmp_path, (B, "magenta")) == (B, "magenta")
    assert ids(index) == [C, B]
    index.close()


def words_in_files(root: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the words that stand in any file under `root`."""
    contents = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    return tuple(word for word in words if any(word.encode() in content for content in contents))


# --- damage


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """The folder of an index with two segments, one of them with a deleted profile."""
    index = complete_index(tmp_path)
    upsert(index, [profile(A, plan="gold"), profile(B)])
    upsert(index, [profile(C)])
    index.delete(B)
    index.commit()
    index.close()
    return tmp_path


def test_a_closed_index_opens_as_it_was(closed: Path) -> None:
    index = LocalIndex(closed, ORIGIN)
    assert ids(index) == [C, A]
    index.close()


FILES = ["term", "idx", "pos", "fast", "store", "fieldnorm", "del", "meta.json", "CURRENT"]


def file_of(root: Path, name: str) -> Path:
    return min(path for path in root.rglob(f"*{name}") if path.is_file())


@pytest.mark.parametrize("name", FILES)
def test_an_index_without_one_of_its_files_has_to_be_rebuilt(closed: Path, name: str) -> None:
    file_of(closed, name).unlink()
    assert_rebuilt(closed)


@pytest.mark.parametrize("name", FILES)
def test_an_index_with_a_file_cut_short_has_to_be_rebuilt(closed: Path, name: str) -> None:
    file = file_of(closed, name)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert_rebuilt(closed)


@pytest.mark.parametrize("name", FILES[:7])
def test_an_index_with_a_changed_byte_has_to_be_rebuilt(closed: Path, name: str) -> None:
    file = file_of(closed, name)
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(content)
    assert_rebuilt(closed)


def test_an_index_of_another_layout_has_to_be_rebuilt(closed: Path) -> None:
    current = json.decode((closed / "CURRENT").read_bytes())
    assert current["layout"] == fields.LAYOUT
    (closed / "CURRENT").write_bytes(json.encode({**current, "layout": fields.LAYOUT + 1}))
    assert_rebuilt(closed)


def test_an_index_of_another_log_has_to_be_rebuilt(closed: Path) -> None:
    index = LocalIndex(closed, "another log")
    assert not index.is_open
    assert not [path for path in closed.iterdir() if path.is_dir()]


def assert_rebuilt(root: Path) -> None:
    """A rebuild is demanded, no search is answered before, and then all is well."""
    index = LocalIndex(root, ORIGIN)
    assert not index.is_open
    with pytest.raises(Unavailable):
        number(index)
    index.begin_rebuild()
    index.add([profile(A, plan="gold")])
    index.finish_rebuild()
    assert ids(index) == [A]
    index.close()


# --- one of many values


@pytest.mark.parametrize("others", [0, 1, 300, 6000])
def test_one_of_many_texts_is_found_among_however_many(index: LocalIndex, others: int) -> None:
    plans: dict[str, Any] = {A: "gold", B: "free", C: 7, "d" * 24: ["gold"]}
    upsert(index, [profile(id_, plan=plan) for id_, plan in plans.items()])
    many = tuple(f"plan {number}" for number in range(others))

    is_gold = OneOf(("plan",), (*many, "gold"))
    assert holders(index, is_gold) == [A]
    assert set(holders(index, Not(is_gold))) == {B, C, "d" * 24}
    assert holders(index, AllOf((Not(is_gold), OneOf(("plan",), (*many, "free"))))) == [B]
    assert set(holders(index, OneOf(("plan",), (*many, 7, "gold")))) == {A, C}


# --- substrings


def test_who_is_gone_holds_no_substring_from_then_on(index: LocalIndex) -> None:
    plans = {A: "gold", B: "bold", C: "free"}
    upsert(index, [profile(id_, plan=plan) for id_, plan in plans.items()])
    sought = Contains(("plan",), "old", False)

    index.delete(A)

    assert (holders(index, sought), holders(index, Not(sought))) == ([B], [C])
    index.commit()
    assert (holders(index, sought), holders(index, Not(sought))) == ([B], [C])


@pytest.mark.parametrize("needle", [".*", "[a-z]", "(x", "a|b", "\\d+", "^", "$", "{9}", "?", "+"])
def test_a_substring_is_taken_literally(index: LocalIndex, needle: str) -> None:
    upsert(index, [profile(A, plan=f"<{needle}>"), profile(B, plan="abc 123 zzzzzzzzz")])

    assert holders(index, Contains(("plan",), needle, False)) == [A]


@pytest.mark.parametrize("character", "kKsöῳ(🚧\U00010400\u2003")
@pytest.mark.parametrize("ignore_case", [False, True])
def test_the_longest_substring_is_found_under_the_longest_names(
    index: LocalIndex, character: str, ignore_case: bool
) -> None:
    path = ("p" * 64, "é" * 32, "日" * 21 + "x", "🚧é" * 10 + "abcd")
    needle = character * MAX_SUBSTRING
    upsert(index, [nested(A, path, needle), nested(B, path, needle[:-1])])

    assert holders(index, Contains(path, needle, ignore_case)) == [A]


def nested(id_: str, path: tuple[str, ...], text: str) -> Entry:
    properties: dict[str, Any] = {path[-1]: text}
    for name in reversed(path[:-1]):
        properties = {name: properties}
    return profile(id_, **properties)


def test_names_longer_than_that_are_told_apart(index: LocalIndex) -> None:
    name, other = "a" * 700 + "b", "a" * 700 + "c"
    properties: dict[str, Any] = {name: "gold", other: 1}
    upsert(index, [profile(A, **properties)])

    def count(condition: Condition) -> int:
        return index.count("account", condition)

    assert count(Contains((name,), "ol", False)) == count(Exists((other,))) == 1
    assert count(Contains((other,), "ol", False)) == count(Exists((name, other))) == 0
