"""Directed schedules about repeats of claims, and about former owners that wake when the cleaner was there."""

from typing import Final

from tests.faults import directing
from tests.faults.cast import EVENTS, NODES, SOURCES, USERS, Source
from tests.faults.cluster import Replica
from tests.faults.directing import EMAIL, FIRST, INDEX, NO_EMAIL, PLAIN, SECOND
from tests.faults.simulation import World

_OTHER: Final = next(user for user in USERS if user != FIRST and user.partition == FIRST.partition)


def former_owner_wakes(world: World, cut: int) -> None:
    """The former owner of a source folds a repeat whose first attempt is compacted away, and claims its email.

    `cut`: whether it has published before. The user was forgotten meanwhile.
    """
    source = EVENTS[FIRST.partition]
    world.work()
    if cut:
        directing.write(world, "by uid", _OTHER, PLAIN)
    former = _give_away(world, source)
    world.work()
    first = directing.send(world, "by uid", FIRST, EMAIL)
    world.work()
    directing.write(world, "by uid", FIRST, NO_EMAIL)
    directing.write(world, "by uid", SECOND, EMAIL)
    repeat = world.clients.repeat(first)
    world.clients.send(repeat)
    world.work()
    directing.forget(world, FIRST)
    world.work()
    _clean_below(world, source, repeat.offset)
    former.fold(1)
    while former.relay():
        pass


def former_index_wakes(world: World, cut: int) -> None:
    """The former owner of the index folds a repeat whose claim is compacted away, and would release who has the email.

    `cut`: whether it has published before.
    """
    world.work()
    if cut:
        directing.write(world, "by uid", SECOND, EMAIL)
        directing.write(world, "by uid", SECOND, NO_EMAIL)
    former = _give_away(world, INDEX)
    repeat = _repeat_a_claim(world)
    world.work()
    _clean_below(world, INDEX, repeat)
    former.fold(9)
    while former.relay():
        pass


def index_is_lost_behind_a_repeat(world: World, cut: int) -> None:
    """The owner of the index dies among its tombstones; the cleaner takes a claim, and not yet its repeat.

    `cut`: after how many awaits; and whether one more user claims the email then, which the owner does not fold any
    more while it sends what it can.
    """
    awaits, moves_on = cut // 2, cut % 2
    repeat = _repeat_a_claim(world)
    for _ in range(awaits):
        directing.relay_some(world, INDEX, 1)
    owner = directing.owner_of(world, INDEX)
    if moves_on:
        directing.send(world, "by uid", _OTHER, EMAIL)
        directing.fold_and_relay(world, EVENTS[_OTHER.partition])
        while owner.relay():
            pass
    node = directing.node_of(world, owner)
    world.cluster.crash(node, lost=True)
    world.cluster.lose(node, INDEX)
    _clean_below(world, INDEX, repeat)
    directing.restart(world)
    world.work()
    world.check(0, 0, 0, 0)


def index_is_taken_over_among_its_tombstones(world: World, cut: int) -> None:
    """The former owner of the index sends its tombstones, and the cleaner comes, while the next one catches up."""
    repeat = _repeat_a_claim(world)
    former = _give_away(world, INDEX)
    for _ in range(cut):
        former.fold(9)
        former.relay(1)
    owner = directing.owner_of(world, INDEX)
    owner.relay()
    while former.relay():
        pass
    _clean_below(world, INDEX, repeat)
    directing.fold(world, EVENTS[FIRST.partition])
    node = directing.node_of(world, owner)
    while owner.folds:
        world.fold(node.number, SOURCES.index(INDEX), 0, 0)
        world.answer_all()


def claim_is_repeated_before_its_release(world: World, cut: int) -> None:
    """A claim that takes an email over arrives again while the release that follows from it is on its way."""
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    directing.send(world, "by uid", SECOND, EMAIL)
    _leave_a_claim_in_flight(world, EVENTS[SECOND.partition])
    directing.fold_and_relay(world, EVENTS[SECOND.partition])
    directing.relay_some(world, INDEX, cut)
    world.late(0, 0, 0, 0)
    directing.fold(world, INDEX)
    world.answer_all()


def _repeat_a_claim(world: World) -> int:
    """Two users take an email by turns, and the first claim arrives again, late; returns the offset of the repeat.

    What the owner of the index has still to fold then: the withdrawal of the first user's claim, the user's next
    claim, a claim of the second user, the repeat, and the withdrawal of the next claim. So compaction may take all
    from that source that stands before the repeat.
    """
    source = EVENTS[FIRST.partition]
    world.work()
    directing.send(world, "by uid", FIRST, EMAIL)
    _leave_a_claim_in_flight(world, source)
    world.work()
    for user, choice in ((FIRST, NO_EMAIL), (FIRST, EMAIL), (SECOND, EMAIL)):
        directing.send(world, "by uid", user, choice)
        directing.fold_and_relay(world, EVENTS[user.partition])
    repeat = world.log.partition(*INDEX).end
    world.late(0, 0, 0, 0)
    directing.send(world, "by uid", FIRST, NO_EMAIL)
    directing.fold_and_relay(world, source)
    return repeat


def _leave_a_claim_in_flight(world: World, source: Source) -> None:
    """The process of the source starts again while its claim is on the way, and the claim arrives late."""
    directing.fold(world, source)
    owner = directing.owner_of(world, source)
    while not any(lane.waiting for lane in owner.process.lanes.values()):
        owner.relay(1)
    world.cluster.assign(source, directing.node_of(world, owner).number)


def _give_away(world: World, source: Source) -> Replica:
    """The source goes to the next node; returns the former owner, which does not hear of it."""
    former = directing.owner_of(world, source)
    world.cluster.assign(source, (directing.node_of(world, former).number + 1) % NODES)
    return former


def _clean_below(world: World, source: Source, offset: int) -> None:
    """The cleaner has looked at all keys, and swapped the segments below the offset."""
    world.beat(0, 0, 0, 0)
    partition = world.log.partition(*source)
    partition.compact(partition.end, offset, 0)
