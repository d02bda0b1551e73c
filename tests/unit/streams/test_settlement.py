"""A claim has settled once the index has it and the release that follows is folded."""

import asyncio
from typing import Final

from streams.partition.email_waits import OpenRelease
from streams.partition.settlement import Settlement

PARTITION: Final = 0
INDEX: Final = 7
OTHER_INDEX: Final = 8


def settled(settlement: Settlement, claim: bytes) -> bool:
    """Whether a write that waits for the claim could answer now."""

    async def at_once() -> bool:
        waiting = asyncio.ensure_future(settlement.wait(PARTITION, claim))
        await asyncio.sleep(0)
        done = waiting.done()
        waiting.cancel()
        return done

    return asyncio.run(at_once())


def test_a_claim_that_was_never_made_here_needs_no_waiting() -> None:
    assert settled(Settlement(), b"unknown")


def test_a_claim_without_a_former_holder_settles_when_the_index_has_it() -> None:
    settlement = Settlement()
    settlement.made(b"new", 0, 10)
    assert not settled(settlement, b"new")
    settlement.folded(INDEX, b"new", None)
    assert settled(settlement, b"new")


def test_a_claim_with_a_former_holder_settles_when_the_release_is_folded() -> None:
    settlement = Settlement()
    settlement.made(b"new", 0, 10)
    settlement.folded(INDEX, b"new", b"old")
    assert not settled(settlement, b"new")
    settlement.released(b"old")
    assert settled(settlement, b"new")


def test_a_repeat_of_a_claim_settles_it_but_not_while_a_release_is_awaited() -> None:
    settlement = Settlement()
    settlement.made(b"new", 0, 10)
    settlement.folded(INDEX, b"new", b"old")
    settlement.folded(INDEX, b"new", None, is_known=True)
    assert not settled(settlement, b"new")
    settlement.released(b"old")
    assert settled(settlement, b"new")

    settlement.made(b"again", 0, 11)
    settlement.folded(INDEX, b"again", None, is_known=True)
    assert settled(settlement, b"again")


def test_a_repeat_does_not_settle_a_claim_that_is_held_by_another_ones_release() -> None:
    settlement = Settlement()
    settlement.made(b"second", 0, 10)
    settlement.made(b"third", 0, 11)
    settlement.folded(INDEX, b"second", b"first")
    settlement.folded(INDEX, b"third", b"second")
    settlement.released(b"second")
    settlement.folded(INDEX, b"third", None, is_known=True)
    assert not settled(settlement, b"third")
    settlement.released(b"first")
    assert settled(settlement, b"third")


def test_a_partition_is_settled_before_its_first_open_claim() -> None:
    settlement = Settlement()
    settlement.made(b"first", 0, 10)
    settlement.made(b"second", 0, 20)
    assert settlement.before(0, 9)
    assert not settlement.before(0, 10)
    settlement.folded(INDEX, b"first", None)
    assert settlement.before(0, 19)
    assert not settlement.before(0, 20)
    assert settlement.before(1, 99)


def test_everybody_who_waits_for_a_claim_is_woken() -> None:
    async def two_waiters() -> None:
        settlement = Settlement()
        settlement.made(b"new", 0, 10)
        waiting = [asyncio.ensure_future(settlement.wait(PARTITION, b"new")) for _ in range(2)]
        await asyncio.sleep(0)
        settlement.folded(INDEX, b"new", None)
        await asyncio.gather(*waiting)

    asyncio.run(two_waiters())


def settled_before(settlement: Settlement, partition: int, offset: int) -> bool:
    """Whether a read that waits for the position could go on now."""

    async def at_once() -> bool:
        waiting = asyncio.ensure_future(settlement.wait_before(partition, offset))
        await asyncio.sleep(0)
        done = waiting.done()
        waiting.cancel()
        return done

    return asyncio.run(at_once())


def test_a_position_waits_for_the_claims_at_or_before_it_in_its_partition() -> None:
    settlement = Settlement()
    settlement.made(b"one", 0, 10)
    settlement.made(b"two", 0, 20)
    assert settled_before(settlement, 0, 9)
    assert settled_before(settlement, 1, 30)
    assert not settled_before(settlement, 0, 10)
    settlement.folded(INDEX, b"one", None)
    assert settled_before(settlement, 0, 19)
    assert not settled_before(settlement, 0, 20)
    settlement.folded(INDEX, b"two", None)
    assert settled_before(settlement, 0, 20)


def test_a_position_goes_on_when_the_last_of_several_claims_has_settled() -> None:
    async def wait() -> list[bool]:
        settlement = Settlement()
        settlement.made(b"one", 0, 10)
        settlement.made(b"two", 0, 11)
        waiting = asyncio.ensure_future(settlement.wait_before(0, 11))
        seen: list[bool] = []
        for claim in (b"one", b"two"):
            await asyncio.sleep(0)
            settlement.folded(INDEX, claim, None)
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(waiting.done())
        return seen

    assert asyncio.run(wait()) == [False, True]


# --- a partition is taken over


def test_after_a_take_over_nothing_is_settled_until_the_index_is_folded_to_its_end_of_then() -> (
    None
):
    settlement = Settlement()
    settlement.acquire_events(PARTITION, 20, {INDEX: 5, OTHER_INDEX: 0}, {})
    assert not settlement.settled(PARTITION, b"claimed before")
    assert not settlement.before(PARTITION, 0)
    assert settlement.before(PARTITION + 1, 99)

    settlement.index_reached(INDEX, 3)
    assert not settlement.before(PARTITION, 0)
    settlement.index_reached(INDEX, 4)
    assert settlement.before(PARTITION, 99)
    assert settlement.settled(PARTITION, b"claimed before")


def test_after_a_take_over_the_releases_of_then_are_waited_for_and_later_ones_are_not() -> None:
    settlement = Settlement()
    settlement.acquire_events(PARTITION, 20, {INDEX: 5}, {})
    settlement.folded(INDEX, b"before", b"its loser")
    settlement.index_reached(INDEX, 4)
    settlement.folded(INDEX, b"after", b"another loser")
    settlement.index_reached(INDEX, 5)
    assert not settlement.before(PARTITION, 0)

    settlement.released(b"its loser")
    settlement.reached(PARTITION + 1, 30)
    assert settlement.before(PARTITION, 0)


def test_what_is_in_the_outbox_at_a_take_over_is_waited_for_by_name() -> None:
    settlement = Settlement()
    settlement.acquire_events(PARTITION, 20, {INDEX: 0}, {b"unpublished": 15})
    assert settlement.before(PARTITION, 14)
    assert not settlement.before(PARTITION, 15)
    settlement.folded(INDEX, b"unpublished", None)
    assert settlement.before(PARTITION, 15)


def test_a_claim_does_not_settle_before_releases_are_folded_that_its_index_sent_elsewhere() -> None:
    settlement = Settlement()
    settlement.made(b"new", PARTITION, 10)
    settlement.acquire_emails(INDEX, -1, {PARTITION: 12, PARTITION + 1: 0}, [])
    settlement.folded(INDEX, b"new", None)
    assert not settlement.settled(PARTITION, b"new")

    settlement.reached(PARTITION, 11)
    assert settlement.settled(PARTITION, b"new")


def test_a_release_in_the_outbox_of_an_index_that_came_here_is_waited_for() -> None:
    settlement = Settlement()
    settlement.acquire_emails(INDEX, 4, {}, [OpenRelease(b"winner", b"loser")])
    settlement.acquire_events(PARTITION, 20, {INDEX: 5}, {})
    assert not settlement.settled(PARTITION, b"winner")
    assert not settlement.before(PARTITION, 0)

    settlement.released(b"loser")
    settlement.reached(PARTITION + 1, 30)
    assert settlement.settled(PARTITION, b"winner")


def test_an_index_that_comes_back_without_a_release_is_not_waited_for_for_ever() -> None:
    settlement = Settlement()
    settlement.acquire_events(PARTITION, 20, {INDEX: 5}, {b"new": 15})
    settlement.folded(INDEX, b"new", b"loser")
    settlement.index_reached(INDEX, 4)
    assert not settlement.settled(PARTITION, b"new")

    # Another node had it meanwhile, and has sent the release; this one was too late to fold it by name.
    settlement.acquire_emails(INDEX, 4, {PARTITION + 1: 31}, [])
    assert not settlement.settled(PARTITION, b"new")
    settlement.reached(PARTITION + 1, 30)
    assert settlement.settled(PARTITION, b"new")


def test_a_partition_that_comes_back_remembers_no_position_of_before() -> None:
    settlement = Settlement()
    settlement.made(b"published elsewhere", PARTITION, 10)
    settlement.acquire_events(PARTITION, 20, {INDEX: 5}, {b"unpublished": 15})
    settlement.index_reached(INDEX, 4)

    assert settlement.before(PARTITION, 14)
    assert not settlement.before(PARTITION, 15)


def test_everybody_who_waits_for_a_take_over_is_woken() -> None:
    async def three_waiters() -> None:
        settlement = Settlement()
        settlement.acquire_events(PARTITION, 20, {INDEX: 5}, {})
        waiting = [
            asyncio.ensure_future(settlement.wait(PARTITION, b"claimed before")),
            asyncio.ensure_future(settlement.wait_before(PARTITION, 3)),
            asyncio.ensure_future(settlement.wait_before(PARTITION, 4)),
        ]
        await asyncio.sleep(0)
        settlement.acquire_events(PARTITION, 20, {INDEX: 6}, {})
        settlement.index_reached(INDEX, 5)
        await asyncio.gather(*waiting)

    asyncio.run(three_waiters())
