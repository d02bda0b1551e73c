"""Pages neither skip nor repeat a profile while others are written (contract §6)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from projections.search import newest
from projections.search.pages import Edge, Page, Window
from schemas.search.conditions import EVERYBODY, Condition, Moment, OneOf
from schemas.search.cursors import SortKey
from tests.support.search_inputs import NOW
from tests.support.searching import LocalIndex, complete_index, profile, upsert

A, B, C, D = ("a" * 24, "b" * 24, "c" * 24, "d" * 24)


@pytest.fixture(params=[newest.DEPTH, 3], ids=["among all", "among the newest first"])
def index(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalIndex]:
    monkeypatch.setattr(newest, "DEPTH", request.param)
    index = complete_index(tmp_path)
    yield index
    index.close()


def page(
    index: LocalIndex,
    limit: int = 50,
    before: Edge | None = None,
    after: Edge | None = None,
    condition: Condition = EVERYBODY,
) -> Page:
    return index.page("account", condition, Window(before, after), limit)


def walk(index: LocalIndex, limit: int, between: Callable[[], object] = lambda: None) -> list[str]:
    """All ids, page by page; `between` is done before each further page."""
    here = page(index, limit)
    ids = here.ids
    while here.more_before is not None:
        between()
        here = page(index, limit, here.more_before)
        ids += here.ids
    return ids


def random_sort_keys(random: Random, count: int, milliseconds: int) -> list[SortKey]:
    """Places in so few milliseconds that many share one, and ids that share their first digits."""
    return [
        SortKey(NOW + random.randrange(milliseconds), f"{random.choice(('0', 'f')) * 5}{tail:019x}")
        for tail in random.sample(range(1 << 60), count)
    ]


def test_newest_created_come_first_then_the_higher_id(index: LocalIndex) -> None:
    upsert(index, [profile(A, NOW), profile(B, NOW), profile(C, NOW - 1)])

    assert page(index).ids == [B, A, C]


def test_the_last_page_says_so(index: LocalIndex) -> None:
    upsert(index, [profile(A), profile(B)])

    assert page(index, 1) == Page([SortKey(NOW, B)], SortKey(NOW, B))
    assert page(index, 1, SortKey(NOW, B)) == Page([SortKey(NOW, A)], None)
    assert page(index, 2).more_before is None


def test_a_window_leaves_its_edges_out(index: LocalIndex) -> None:
    upsert(index, [profile(A, NOW), profile(B, NOW + 1), profile(C, NOW + 1), profile(D, NOW + 2)])

    assert page(index, before=Moment(NOW + 1)).ids == [A]
    assert page(index, after=Moment(NOW + 1)).ids == [D]
    assert page(index, after=SortKey(NOW + 1, B)).ids == [D, C]
    assert page(index, before=SortKey(NOW + 1, C)).ids == [B, A]
    assert page(index, before=SortKey(NOW + 2, D), after=SortKey(NOW, A)).ids == [C, B]
    assert page(index, before=Moment(NOW), after=Moment(NOW)).ids == []


def test_a_window_may_begin_before_1970(index: LocalIndex) -> None:
    upsert(index, [profile(A)])

    assert page(index, after=Moment(-62_135_596_800_000)).ids == [A]
    assert page(index, before=Moment(-62_135_596_800_000)).ids == []
    assert page(index, before=Moment(253_402_300_799_999)).ids == [A]


def test_pages_hold_their_own_account_only(index: LocalIndex) -> None:
    upsert(index, [profile(A), profile(B, account="other")])

    assert page(index).ids == [A]


def test_a_page_holds_what_the_condition_finds(index: LocalIndex) -> None:
    upsert(index, [profile(A, plan="gold"), profile(B, plan="free"), profile(C, plan="gold")])

    found = page(index, 1, condition=OneOf(("plan",), ("gold",)))
    assert found == Page([SortKey(NOW, C)], SortKey(NOW, C))


@pytest.mark.parametrize("limit", [1, 7, 50, 500])
def test_a_walk_finds_everybody_once_and_in_order(index: LocalIndex, limit: int) -> None:
    sort_keys = random_sort_keys(Random(limit), count=400, milliseconds=3)
    upsert(index, [profile(sort_key.id, sort_key.created) for sort_key in sort_keys])

    assert walk(index, limit) == [sort_key.id for sort_key in sorted(sort_keys, reverse=True)]


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_under_writes_skips_nobody_and_repeats_nobody(index: LocalIndex, seed: int) -> None:
    random = Random(seed)
    sort_keys = random_sort_keys(random, count=600, milliseconds=40)
    random.shuffle(sort_keys)
    lasting, leaving, coming = sort_keys[:300], sort_keys[300:400], sort_keys[400:]
    upsert(index, [profile(sort_key.id, sort_key.created, n=0) for sort_key in lasting + leaving])

    def write() -> None:
        for _ in range(random.randrange(8)):
            if leaving:
                index.delete(leaving.pop().id)
            if coming:
                came = coming.pop()
                index.upsert(profile(came.id, came.created, n=1))
            changed = random.choice(lasting)
            index.upsert(profile(changed.id, changed.created, n=random.randrange(1000)))
        if random.random() < 0.7:
            index.commit()

    ids = walk(index, 11, between=write)

    kept = {sort_key.id for sort_key in lasting}
    assert [id_ for id_ in ids if id_ in kept] == [p.id for p in sorted(lasting, reverse=True)]
    assert len(ids) == len(set(ids))


def test_a_count_is_of_what_all_pages_in_the_window_show(index: LocalIndex) -> None:
    random = Random(7)
    sort_keys = sorted(random_sort_keys(random, 200, milliseconds=3))
    upsert(index, [profile(id_, created) for created, id_ in sort_keys])
    edges: list[Edge | None] = [None, Moment(NOW), Moment(NOW + 1), *random.sample(sort_keys, 5)]

    for before in edges:
        for after in edges:
            window = Window(before, after)
            shown = index.page("account", EVERYBODY, window, 500).ids
            assert index.count("account", EVERYBODY, window) == len(shown)
    some = OneOf(("id",), tuple(id_ for _, id_ in sort_keys[::2]))
    assert index.count("account", some, Window(sort_keys[150], sort_keys[50])) == 49
