"""Which node owns which partition (`streams.consumer_group.placement`)."""

from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.consumer_group.placement import Member, Placement, place

_PARTITIONS = st.integers(1, 24)


@st.composite
def groups(draw: st.DrawFn) -> tuple[dict[str, Member], int]:
    """Members that own and have copies of anything, several of them the same partitions too."""
    partitions = draw(_PARTITIONS)
    some = st.frozensets(st.integers(0, partitions - 1))
    copies = st.dictionaries(st.integers(0, partitions - 1), st.integers(-1, 9))
    member = st.tuples(some, copies)
    found = draw(st.lists(member, min_size=1, max_size=5))
    return {
        f"m{n}": Member(f"node {n}", owned, copies) for n, (owned, copies) in enumerate(found)
    }, partitions


def after(members: Mapping[str, Member], placed: Placement) -> dict[str, Member]:
    """What the members say once they own what they were given."""
    return {
        name: Member(
            members[name].node,
            frozenset(owned),
            {**members[name].copies, **dict.fromkeys(owned, 9)},
        )
        for name, owned in placed.items()
    }


def moved(before: Placement, now: Placement) -> set[int]:
    return {
        partition
        for name, owned in before.items()
        for partition in owned
        if partition not in now.get(name, ())
    }


@given(groups())
def test_each_partition_has_one_owner_and_nobody_has_many_more(
    group: tuple[dict[str, Member], int],
) -> None:
    members, partitions = group
    placed = place(members, partitions)

    assert sorted(p for owned in placed.values() for p in owned) == list(range(partitions))
    assert placed.keys() == members.keys()
    sizes = [len(owned) for owned in placed.values()]
    assert max(sizes) - min(sizes) <= 1


@given(groups(), st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order_or_the_names(
    group: tuple[dict[str, Member], int], random: Random
) -> None:
    members, partitions = group
    shuffled = list(members)
    random.shuffle(shuffled)
    renamed = {f"x{name}": members[name] for name in shuffled}

    placed, again = place(members, partitions), place(renamed, partitions)

    assert again == {f"x{name}": owned for name, owned in placed.items()}


@given(groups())
def test_what_is_placed_stays(group: tuple[dict[str, Member], int]) -> None:
    members, partitions = group
    placed = place(members, partitions)

    assert place(after(members, placed), partitions) == placed


@given(groups())
def test_who_joins_or_leaves_moves_its_share_and_no_more(
    group: tuple[dict[str, Member], int],
) -> None:
    members, partitions = group
    placed = place(members, partitions)
    members = after(members, placed)

    with_one_more = place({**members, "new": Member("new node")}, partitions)
    assert len(moved(placed, with_one_more)) == len(with_one_more["new"])

    if len(members) > 1:
        gone, *rest = sorted(members)
        left = place({name: members[name] for name in rest}, partitions)
        assert moved({name: placed[name] for name in rest}, left) == set()
        assert set(placed[gone]) <= {p for owned in left.values() for p in owned}


def test_a_partition_without_an_owner_goes_to_the_copy_that_is_folded_farthest() -> None:
    members = {
        "a": Member("a", frozenset(), {0: 5, 1: 7}),
        "b": Member("b", frozenset(), {0: 6, 1: 3}),
    }
    assert place(members, 2) == {"a": [1], "b": [0]}


def test_an_owner_goes_before_a_copy_that_is_folded_farther() -> None:
    members = {
        "a": Member("a", frozenset({0}), {0: 5}),
        "b": Member("b", frozenset(), {0: 6}),
        "c": Member("c", frozenset({0}), {0: 4}),
    }
    assert place(members, 1)["a"] == [0]


def test_who_has_too_many_gives_up_what_others_have_a_copy_of() -> None:
    members = {
        "a": Member("a", frozenset({0, 1, 2}), {0: 9, 1: 9, 2: 9}),
        "b": Member("b", frozenset(), {1: 8}),
    }
    assert place(members, 3) == {"a": [0, 2], "b": [1]}
