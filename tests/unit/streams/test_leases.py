"""Leases: how long a node may answer, and how long the next owner waits."""

import asyncio

import msgspec
import pytest

from streams.log.transactions import PublicationFailed
from streams.partition import leases as module
from streams.partition.leases import CLOCK_ERROR, Lease, Leases, Owner

ME = Owner("me", "http://here:1", "boot")
SECONDS = 3.0


class Clock:
    """CLOCK_BOOTTIME, as a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "boot_clock", clock)
    return clock


class Log:
    """Takes the records of owners; each takes some time to be committed."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.owners: list[Owner] = []
        self._clock = clock
        self._seconds = seconds

    async def publish(self, record: bytes) -> None:
        self._clock.now += self._seconds
        self.owners.append(msgspec.json.decode(record, type=Owner))


def renewed(leases: Leases, log: Log) -> Lease:
    lease = Lease(leases)
    asyncio.run(lease.renew(log.publish))
    return lease


def test_a_lease_counts_from_before_its_renewal_was_sent(clock: Clock) -> None:
    leases = Leases(ME, lambda: SECONDS)

    renewed(leases, Log(clock, seconds=2.0))

    clock.now += 0.9
    assert leases.are_good(0)
    clock.now += 0.2
    assert not leases.are_good(0)


def test_the_lease_that_ends_first_counts(clock: Clock) -> None:
    leases, log = Leases(ME, lambda: SECONDS), Log(clock)
    renewed(leases, log)
    clock.now += 2.0
    second = renewed(leases, log)

    clock.now += 1.5

    assert not leases.are_good(0)
    asyncio.run(second.renew(log.publish))
    assert not leases.are_good(0)


def test_what_was_read_under_a_lease_that_had_run_out_does_not_leave(clock: Clock) -> None:
    leases, log = Leases(ME, lambda: SECONDS), Log(clock)
    lapsing = renewed(leases, log)
    begun = leases.lapsed
    clock.now += SECONDS

    asyncio.run(lapsing.release(log.publish))

    assert not leases.are_good(begun)
    assert leases.are_good(leases.lapsed)


def test_a_good_lease_that_is_released_stops_no_answer(clock: Clock) -> None:
    leases, log = Leases(ME, lambda: SECONDS), Log(clock)
    lease = renewed(leases, log)

    asyncio.run(lease.release(log.publish))

    assert leases.are_good(0)
    assert [owner.is_held for owner in log.owners] == [True, False]
    assert log.owners[-1].seconds_left(clock.now) == 0.0


def test_a_lease_that_never_began_is_not_released(clock: Clock) -> None:
    log = Log(clock)

    asyncio.run(Lease(Leases(ME, lambda: SECONDS)).release(log.publish))

    assert log.owners == []


def test_a_renewal_that_fails_lengthens_nothing(clock: Clock) -> None:
    leases = Leases(ME, lambda: SECONDS)
    lease = renewed(leases, Log(clock))

    async def fail(record: bytes) -> None:
        assert record
        raise PublicationFailed("no")

    clock.now += 2.0
    with pytest.raises(PublicationFailed):
        asyncio.run(lease.renew(fail))

    clock.now += 1.5
    assert not leases.are_good(0)


def test_a_lease_that_has_run_out_may_be_anothers(clock: Clock) -> None:
    leases, log = Leases(ME, lambda: SECONDS), Log(clock)
    assert not Lease(leases).has_run_out
    lease = renewed(leases, log)
    assert not lease.has_run_out

    clock.now += SECONDS

    assert lease.has_run_out
    asyncio.run(lease.renew(log.publish))
    assert not lease.has_run_out


def test_a_shorter_lease_is_renewed_at_once(clock: Clock) -> None:
    seconds = [60.0]
    leases = Leases(ME, lambda: seconds[0])
    log = Log(clock)
    lease = renewed(leases, log)
    assert leases.are_as_short

    seconds[0] = SECONDS

    assert not leases.are_as_short
    asyncio.run(asyncio.wait_for(lease.until_due(), 5))
    asyncio.run(lease.renew(log.publish))
    assert leases.are_as_short


def test_the_next_owner_waits_for_as_long_as_the_lease_may_last_by_any_clock(clock: Clock) -> None:
    owner = Owner("other", "http://there:1", "boot", SECONDS)
    received = clock.now - 1.0

    left = owner.seconds_left(received)

    # The other's clock may be slow, and this one fast.
    assert left == pytest.approx(SECONDS * (1 + CLOCK_ERROR) / (1 - CLOCK_ERROR) - 1.0)
    clock.now += left
    assert owner.seconds_left(received) == 0.0


@pytest.mark.parametrize(
    ("owner", "has_ended"),
    [
        (Owner("me", "http://elsewhere:1", "another"), True),
        (Owner("lost folder", ME.url, ME.boot), True),
        (Owner("other", ME.url, "another"), False),
        (Owner("other", "http://here:2", ME.boot), False),
    ],
)
def test_a_process_has_ended_that_was_this_node_or_had_its_port(
    owner: Owner, has_ended: bool
) -> None:
    assert owner.has_ended(ME) is has_ended
