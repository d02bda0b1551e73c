"""The settlement of emails where another node folds a part of them."""

import asyncio
from typing import Final

import pytest

from schemas.errors import Unavailable
from schemas.events import EmailReleased, encode
from streams.partition.email_waits import OpenRelease
from streams.partition.sent_outputs import SentClaims
from streams.partition.settlement_among_nodes import SettlementAmongNodes

EVENTS: Final = 0  # a partition of profile-events
OTHER_EVENTS: Final = 1
INDEX: Final = 7  # a partition of profile-emails


def release_of(lost: bytes, by: bytes) -> bytes:
    return encode(
        EmailReleased(account="a", at=1, id="0" * 24, claim=lost.decode(), by=by.decode())
    )


def with_events() -> SettlementAmongNodes:
    """A node with a partition of events, whose index is another's; nothing was before."""
    settlement = SettlementAmongNodes()
    settlement.acquire_events(EVENTS, -1, {}, {})
    return settlement


def with_index(applied: int = -1) -> SettlementAmongNodes:
    """A node with the index, whose events are another's."""
    settlement = SettlementAmongNodes()
    settlement.acquire_emails(INDEX, applied, {}, [])
    return settlement


def test_a_claim_that_another_node_folds_settles_when_that_says_so() -> None:
    settlement = with_events()
    settlement.made(b"new", EVENTS, 10)
    settlement.claims_sent(INDEX, 4, [b"new"])
    assert settlement.awaited_claims(INDEX) == [SentClaims(4, [b"new"])]
    assert not settlement.settled(EVENTS, b"new")
    assert not settlement.before(EVENTS, 10)

    settlement.settled_elsewhere(INDEX, SentClaims(4, [b"new"]))

    assert settlement.settled(EVENTS, b"new")
    assert settlement.before(EVENTS, 10)
    assert settlement.awaited_claims(INDEX) == []


def test_a_claim_that_is_folded_here_is_asked_of_nobody() -> None:
    settlement = with_events()
    settlement.acquire_emails(INDEX, -1, {}, [])
    settlement.made(b"new", EVENTS, 10)
    settlement.claims_sent(INDEX, 4, [b"new"])
    settlement.folded(INDEX, b"new", None)
    settlement.index_reached(INDEX, 4)

    assert settlement.settled(EVENTS, b"new")
    settlement.lose_emails(INDEX)
    assert settlement.awaited_claims(INDEX) == []


def test_a_release_that_another_node_folds_is_awaited_by_its_offset() -> None:
    settlement = with_index()
    settlement.folded(INDEX, b"new", b"old")
    settlement.release_sent(OTHER_EVENTS, 20, release_of(b"old", b"new"))
    assert settlement.awaited_fold(OTHER_EVENTS) == 20

    settlement.reached(OTHER_EVENTS, 19)
    assert settlement.awaited_fold(OTHER_EVENTS) == 20
    settlement.reached(OTHER_EVENTS, 20)

    assert settlement.awaited_fold(OTHER_EVENTS) is None
    asyncio.run(asyncio.wait_for(settlement.wait_settled_here(INDEX, [b"new"]), 1))


def test_an_index_answers_for_a_claim_when_its_release_is_folded() -> None:
    async def scenario() -> None:
        settlement = with_index()
        settlement.folded(INDEX, b"new", b"old")
        asked = asyncio.ensure_future(settlement.wait_settled_here(INDEX, [b"new"]))
        await asyncio.sleep(0)
        assert not asked.done()
        settlement.released(b"old")
        await asyncio.wait_for(asked, 1)

    asyncio.run(scenario())


def test_an_index_that_was_just_acquired_answers_when_releases_of_before_are_folded() -> None:
    async def scenario() -> None:
        settlement = SettlementAmongNodes()
        settlement.acquire_emails(INDEX, 4, {OTHER_EVENTS: 9}, [])
        asked = asyncio.ensure_future(settlement.wait_settled_here(INDEX, [b"new"]))
        await asyncio.sleep(0)
        assert not asked.done()
        assert settlement.awaited_fold(OTHER_EVENTS) == 8
        settlement.reached(OTHER_EVENTS, 8)
        await asyncio.wait_for(asked, 1)

    asyncio.run(scenario())


def test_what_an_index_had_to_release_is_awaited_before_it_answers_for_what_was_before() -> None:
    async def scenario() -> None:
        settlement = SettlementAmongNodes()
        settlement.acquire_emails(INDEX, 4, {}, [OpenRelease(b"new", b"old")])
        asked = asyncio.ensure_future(settlement.wait_released(INDEX))
        await asyncio.sleep(0)
        assert not asked.done()
        settlement.released(b"old")
        await asyncio.wait_for(asked, 1)

    asyncio.run(scenario())


def test_claims_of_an_index_that_leaves_are_asked_of_its_next_owner() -> None:
    settlement = with_events()
    settlement.acquire_emails(INDEX, 3, {}, [])
    for number, claim in enumerate((b"waits for a release", b"is not folded")):
        settlement.made(claim, EVENTS, 10 + number)
        settlement.claims_sent(INDEX, 4 + number, [claim])
    settlement.folded(INDEX, b"waits for a release", b"old")
    settlement.index_reached(INDEX, 4)

    settlement.lose_emails(INDEX)

    awaited = settlement.awaited_claims(INDEX)
    assert {claim for sent in awaited for claim in sent.names} == {
        b"waits for a release",
        b"is not folded",
    }
    settlement.released(b"old")  # the next owner says it, nobody here knows the claim
    assert not settlement.settled(EVENTS, b"waits for a release")
    for sent in awaited:
        settlement.settled_elsewhere(INDEX, sent)
    assert settlement.before(EVENTS, 11)


def test_claims_of_others_are_forgotten_with_an_index_that_leaves() -> None:
    settlement = with_index()
    settlement.folded(INDEX, b"another's", b"old")

    settlement.lose_emails(INDEX)

    assert settlement.awaited_claims(INDEX) == []


def test_an_index_that_comes_back_settles_what_another_owner_has_folded() -> None:
    settlement = with_events()
    settlement.made(b"new", EVENTS, 10)
    settlement.claims_sent(INDEX, 4, [b"new"])

    settlement.acquire_emails(INDEX, 4, {}, [])

    assert settlement.settled(EVENTS, b"new")


def test_what_waits_for_a_partition_that_leaves_fails() -> None:
    async def scenario() -> None:
        settlement = with_events()
        settlement.made(b"new", EVENTS, 10)
        waiting = [
            asyncio.ensure_future(settlement.wait(EVENTS, b"new")),
            asyncio.ensure_future(settlement.wait_before(EVENTS, 10)),
        ]
        await asyncio.sleep(0)

        settlement.lose_events(EVENTS)

        for each in waiting:
            with pytest.raises(Unavailable):
                await asyncio.wait_for(each, 1)
        assert not settlement.settled(EVENTS, b"new")
        assert not settlement.before(EVENTS, 0)

    asyncio.run(scenario())


def test_a_partition_that_is_acquired_waits_for_the_index_of_another_node() -> None:
    settlement = SettlementAmongNodes()
    settlement.acquire_events(EVENTS, 5, {INDEX: 30}, {})
    assert not settlement.before(EVENTS, 0)
    assert settlement.awaited_index(INDEX) == 30

    settlement.index_settled_elsewhere(INDEX, 29)
    assert not settlement.before(EVENTS, 0)
    settlement.index_settled_elsewhere(INDEX, 30)

    assert settlement.before(EVENTS, 5)
    assert settlement.awaited_index(INDEX) is None


def test_there_is_a_call_for_each_wait_that_is_for_others() -> None:
    calls: list[None] = []
    settlement = SettlementAmongNodes()
    settlement.on_wait = lambda: calls.append(None)

    settlement.acquire_events(EVENTS, -1, {INDEX: 1}, {})
    before = len(calls)
    settlement.claims_sent(INDEX, 4, [b"new"])

    assert 0 < before < len(calls)
