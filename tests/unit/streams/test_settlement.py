"""A claim has settled once the index has it and the release that follows is folded."""

import asyncio

from streams.settlement import Settlement


def settled(settlement: Settlement, claim: bytes) -> bool:
    """Whether a write that waits for the claim could answer now."""

    async def at_once() -> bool:
        waiting = asyncio.ensure_future(settlement.wait(claim))
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
    settlement.folded(b"new", None)
    assert settled(settlement, b"new")


def test_a_claim_with_a_former_holder_settles_when_the_release_is_folded() -> None:
    settlement = Settlement()
    settlement.made(b"new", 0, 10)
    settlement.folded(b"new", b"old")
    assert not settled(settlement, b"new")
    settlement.released(b"old")
    assert settled(settlement, b"new")


def test_a_partition_is_settled_before_its_first_open_claim() -> None:
    settlement = Settlement()
    settlement.made(b"first", 0, 10)
    settlement.made(b"second", 0, 20)
    assert settlement.before(0, 9)
    assert not settlement.before(0, 10)
    settlement.folded(b"first", None)
    assert settlement.before(0, 19)
    assert not settlement.before(0, 20)
    assert settlement.before(1, 99)


def test_everybody_who_waits_for_a_claim_is_woken() -> None:
    async def two_waiters() -> None:
        settlement = Settlement()
        settlement.made(b"new", 0, 10)
        waiting = [asyncio.ensure_future(settlement.wait(b"new")) for _ in range(2)]
        await asyncio.sleep(0)
        settlement.folded(b"new", None)
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
    settlement.folded(b"one", None)
    assert settled_before(settlement, 0, 19)
    assert not settled_before(settlement, 0, 20)
    settlement.folded(b"two", None)
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
            settlement.folded(claim, None)
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(waiting.done())
        return seen

    assert asyncio.run(wait()) == [False, True]
