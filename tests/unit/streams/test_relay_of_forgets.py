"""Forgets in a row share a commit (rule 4 of the relay)."""

from streams.partition import relay
from tests.support.relaying import (
    ADA,
    BOB,
    EVE,
    Partition,
    claim,
    document,
    gone,
    tombstone,
    withdrawn,
)


def test_a_run_of_forgets_shares_a_commit_at_the_first_ones_offset() -> None:
    partition = Partition(
        (3, [withdrawn("c1"), gone(ADA), tombstone("e1"), tombstone("e2")]),
        (4, [gone(BOB), tombstone("e3")]),
        (7, [gone(EVE), tombstone("e4")]),
    )

    assert partition.step() == [
        "commit progress=0",
        "append c1=withdrawn",
        "commit 1111=null 2222=null 3333=null progress=3",
        *(f"tombstone e{n}" for n in (1, 2, 3, 4)),
    ]
    assert partition.steps() == ["commit progress=8"]
    assert partition.left() == []


def test_a_run_of_forgets_that_fails_begins_anew_from_the_first() -> None:
    partition = Partition((3, [gone(ADA), tombstone("e1")]), (4, [gone(BOB), tombstone("e2")]))
    partition.step()

    partition.start(3)

    assert partition.left() == [3, 3, 4, 4]
    assert partition.steps() == [
        "commit 1111=null 2222=null progress=3",
        "tombstone e1",
        "tombstone e2",
        "commit progress=5",
    ]


def test_a_run_of_forgets_ends_before_an_event_that_makes_more_than_tombstones() -> None:
    partition = Partition(
        (3, [gone(ADA), tombstone("e1")]),
        (4, [gone(BOB), tombstone("e2")]),
        (5, [withdrawn("c1"), claim("c2"), document(EVE)]),
    )

    assert partition.step() == [
        "commit progress=0",
        "append c1=withdrawn c2",
        "commit 1111=null 2222=null progress=3",
        "tombstone e1",
        "tombstone e2",
    ]
    assert partition.step() == ["commit 3333 progress=6"]


def test_a_run_of_forgets_leaves_out_an_event_that_was_not_read_to_its_end() -> None:
    many = [tombstone(f"b{n}") for n in range(relay.ROWS)]
    partition = Partition(
        (3, [gone(ADA), tombstone("a1")]),
        (4, [gone(BOB), tombstone("a2")]),
        (5, [gone(EVE), *many]),
    )

    said = partition.steps()

    assert said[:3] == [
        "commit 1111=null 2222=null progress=3",
        "tombstone a1",
        "tombstone a2",
    ]
    assert said[3] == "commit 3333=null progress=5"
    assert said[-1] == "commit progress=6"
    assert len(said) == 5 + relay.ROWS
