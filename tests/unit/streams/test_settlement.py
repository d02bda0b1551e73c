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
