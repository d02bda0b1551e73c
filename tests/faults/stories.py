"""Short directed schedules for what random ones meet too seldom: one cut, at an await that the caller counts to."""

from itertools import permutations
from typing import Final, Protocol

from tests.faults import directing
from tests.faults.cast import EVENTS, MAILBOXES, SOURCES, USERS
from tests.faults.directing import EMAIL, FIRST, INDEX, PLAIN, SECOND
from tests.faults.simulation import World
from tests.faults.steps import Step


class Story(Protocol):
    """Drives a world up to a cut and on again; the world then comes to rest."""

    def __call__(self, world: World, cut: int) -> None: ...


_ALL: Final = 40

_ORDERS: Final = tuple(permutations(range(5)))

# After how many awaits of whose relay a moving email is met: of the claim's, then of the release's.
_UNDER_WAY: Final = ((0, 0), (4, 0), (_ALL, 0), (_ALL, 1), (_ALL, 4), (_ALL, _ALL))


def forget_is_cut(world: World, cut: int) -> None:
    """A relay dies in the middle of a forget, its state is lost, and the log is cleaned before it is back."""
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    directing.write(world, "by id", FIRST, PLAIN)
    directing.write(world, "by uid", FIRST, PLAIN)
    directing.forget(world, FIRST)
    source = EVENTS[FIRST.partition]
    node = directing.relay_some(world, source, cut)
    world.cluster.crash(node, lost=True)
    world.cluster.lose(node, source)
    directing.restart(world)
    for _ in range(2):
        world.compact(SOURCES.index(source), 0, 0, 0)


def email_moves_and_is_cut(world: World, cut: int) -> None:
    """A relay dies while an email goes from one profile to another. `cut` also says whose relay, and what is left."""
    kept, rest = cut % 3, cut // 3
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    for node in world.cluster.nodes:
        world.cluster.picture(node)
    directing.send(world, "by uid", SECOND, EMAIL)
    source = EVENTS[SECOND.partition]
    if rest % 2:
        directing.fold_and_relay(world, source)
        source = INDEX
    node = directing.relay_some(world, source, rest // 2)
    world.cluster.crash(node, lost=rest % 4 > 1)
    if kept == 1:
        world.cluster.lose(node, source)
    elif kept == 2:
        world.cluster.go_back(node, source, -1)
    directing.restart(world)


def source_is_taken_over(world: World, cut: int) -> None:
    """A node takes a source over while the former owner, which does not know, goes on publishing."""
    early, late = cut % 10, cut // 10
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    for choice in (EMAIL + 8, PLAIN):
        directing.send(world, "by uid", FIRST, choice)
    source = EVENTS[FIRST.partition]
    former = directing.owner_of(world, source)
    former.fold(9)
    owner = world.cluster.assign(source, 1 + source.partition)
    assert owner is not former
    for replica, awaits in ((owner, early), (former, late), (owner, 99), (former, 99)):
        for _ in range(awaits):
            replica.relay(1)
    owner.fold(9)


def record_comes_late(world: World, cut: int) -> None:
    """A record comes when its user is forgotten; the cleaner's pass comes before its tombstone, and a purge."""
    world.work()
    directing.write(world, "by uid", FIRST, PLAIN)
    late = world.clients.upsert("by id", FIRST, MAILBOXES[0], PLAIN)
    assert late is not None
    directing.forget(world, FIRST)
    world.work()
    world.clients.send(late)
    source = EVENTS[FIRST.partition]
    directing.relay_some(world, source, cut)
    world.log.partition(*source).compact(late.offset + 1, late.offset + 1, 0)
    world.purge(EVENTS.index(source), 0, 0, 0)


def writes_race_with_forgets(world: World, cut: int) -> None:
    """Two forgets of a user and three writes are made at once, and arrive in each order; the cleaner comes between."""
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    writes = [
        world.clients.upsert("by uid", FIRST, MAILBOXES[0], PLAIN),
        world.clients.upsert("by id", FIRST, MAILBOXES[0], EMAIL + 8),
        world.clients.forget(FIRST),
        world.clients.upsert("by email", FIRST, MAILBOXES[0], PLAIN),
        world.clients.forget(FIRST),
    ]
    source = EVENTS[FIRST.partition]
    for write in _ORDERS[cut]:
        made = writes[write]
        assert made is not None
        world.clients.send(made)
        if write == cut % len(writes):
            world.work()
            world.compact(SOURCES.index(source), 0, 0, 0)
            world.check(0, 0, 0, 0)


def who_lost_an_email_is_forgotten(world: World, cut: int) -> None:
    """An email moves, and one of its two holders is forgotten while the release is on its way; then state is lost."""
    of_whom, rest = (FIRST, SECOND)[cut % 2], cut // 2
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    directing.send(world, "by uid", SECOND, EMAIL)
    directing.fold_and_relay(world, EVENTS[SECOND.partition])
    node = directing.relay_some(world, INDEX, rest)
    directing.forget(world, of_whom)
    source = EVENTS[of_whom.partition]
    directing.fold_and_relay(world, source)
    world.cluster.crash(node)
    world.cluster.lose(node, source)
    directing.restart(world)
    for each in SOURCES:
        world.compact(SOURCES.index(each), 0, 0, 0)


def forget_comes_while_a_node_replays(world: World, cut: int) -> None:
    """A forget arrives when a node has replayed so much of a log of which so much is compacted."""
    replayed, compacted = cut % 6, cut // 6
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    directing.write(world, "by uid", FIRST, EMAIL + 8)
    directing.forget(world, FIRST)
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    late = world.clients.upsert("by uid", FIRST, MAILBOXES[0], PLAIN)
    forget = world.clients.forget(FIRST)
    assert late is not None
    assert forget is not None
    source = EVENTS[FIRST.partition]
    node = directing.relay_some(world, source, 0)
    world.cluster.crash(node, lost=True)
    world.cluster.lose(node, source)
    directing.restart(world)
    partition = world.log.partition(*source)
    partition.compact(partition.end, compacted, 0)
    owner = directing.owner_of(world, source)
    owner.relay()
    owner.fold(replayed)
    world.clients.send(forget)
    world.clients.send(late)
    world.check(0, 0, 0, 0)
    world.work()
    world.purge(EVENTS.index(source), 0, 0, 0)


def claim_meets_a_restart(world: World, cut: int) -> None:
    """A claim is under way when everything starts again; then one partition after another comes back.

    `cut` says where the claim and the release are, how the restart comes, and in which order what comes back.
    """
    how, turned = cut % 5, cut // 5 % 4
    claim_awaits, release_awaits = _UNDER_WAY[cut // 20]
    world.work()
    directing.write(world, "by uid", FIRST, EMAIL)
    world.beat(0, 0, 0, 0)
    directing.send(world, "by uid", SECOND, EMAIL)
    directing.relay_some(world, EVENTS[SECOND.partition], claim_awaits)
    if release_awaits:
        directing.relay_some(world, INDEX, release_awaits)
    if how < 2:
        node = world.cluster.owned_by_all()
        world.cluster.crash(node, lost=how == 0)
        for source in SOURCES:
            world.cluster.assign(source, node.number)
    elif how == 2:
        world.move([SOURCES[turned]], 0, noticed=True)
    else:
        world.move(SOURCES, 1, noticed=False)
    order = SOURCES[turned:] + SOURCES[:turned]
    if how == 4:
        # The former owner goes on while the new one begins.
        for source in order:
            directing.owner_of(world, source).relay(1)
        for _, former in world.cluster.zombies():
            former.relay()
    for _ in range(5):
        for source in order:
            place = SOURCES.index(source)
            world.take(Step("relay", place, 0, 1))
            world.take(Step("fold", world.cluster.owned_by_all().number, place))


def request_is_lost(world: World, cut: int) -> None:
    """Two users of one partition claim an email, and a request of its relay is lost: the first, or one of the next."""
    first, second = [user for user in USERS if user.partition == FIRST.partition][:2]
    world.work()
    for user in (first, second):
        directing.send(world, "by uid", user, EMAIL)
    owner = directing.owner_of(world, EVENTS[FIRST.partition])
    owner.fold(9)
    for _ in range(cut // 2):
        owner.relay(None)
    owner.process.loses = 1 + cut % 2
    world.work()
