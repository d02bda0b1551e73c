"""Short directed schedules for what random ones meet too seldom: one cut, at an await that the caller counts to."""

from itertools import permutations
from typing import Final, Protocol

from tests.faults.cast import EVENTS, MAILBOXES, NODES, SOURCES, USERS, Source, User
from tests.faults.clients import Kind
from tests.faults.cluster import Node, Replica
from tests.faults.simulation import World
from tests.faults.steps import Step


class Story(Protocol):
    """Drives a world up to a cut and on again; the world then comes to rest."""

    def __call__(self, world: World, cut: int) -> None: ...


# What `Clients.upsert` makes of a choice: an email, and nothing but an operation.
_EMAIL: Final = 1
_PLAIN: Final = 7

_ALL: Final = 40

_ORDERS: Final = tuple(permutations(range(5)))

# After how many awaits of whose relay a moving email is met: of the claim's, then of the release's.
_UNDER_WAY: Final = ((0, 0), (4, 0), (_ALL, 0), (_ALL, 1), (_ALL, 4), (_ALL, _ALL))

_FIRST, _SECOND = USERS[0], next(user for user in USERS if user.partition != USERS[0].partition)


def forget_is_cut(world: World, cut: int) -> None:
    """A relay dies in the middle of a forget, its state is lost, and the log is cleaned before it is back."""
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    _write(world, "by id", _FIRST, _PLAIN)
    _write(world, "by uid", _FIRST, _PLAIN)
    _forget(world, _FIRST)
    source = EVENTS[_FIRST.partition]
    node = _cut(world, source, cut)
    world.cluster.crash(node, lost=True)
    world.cluster.lose(node, source)
    _restart(world)
    for _ in range(2):
        world.compact(SOURCES.index(source), 0, 0, 0)


def email_moves_and_is_cut(world: World, cut: int) -> None:
    """A relay dies while an email goes from one profile to another. `cut` also says whose relay, and what is left."""
    kept, rest = cut % 3, cut // 3
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    for node in world.cluster.nodes:
        world.cluster.picture(node)
    write = world.clients.upsert("by uid", _SECOND, MAILBOXES[0], _EMAIL)
    assert write is not None
    world.clients.send(write)
    source = EVENTS[_SECOND.partition]
    if rest % 2:
        _fold_and_relay(world, source)
        source = Source(SOURCES[-1].topic, MAILBOXES[0].partition)
    node = _cut(world, source, rest // 2)
    world.cluster.crash(node, lost=rest % 4 > 1)
    if kept == 1:
        world.cluster.lose(node, source)
    elif kept == 2:
        world.cluster.go_back(node, source, -1)
    _restart(world)


def source_is_taken_over(world: World, cut: int) -> None:
    """A node takes a source over while the former owner, which does not know, goes on publishing."""
    early, late = cut % 10, cut // 10
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    for choice in (_EMAIL + 8, _PLAIN):
        write = world.clients.upsert("by uid", _FIRST, MAILBOXES[0], choice)
        assert write is not None
        world.clients.send(write)
    source = EVENTS[_FIRST.partition]
    former = _owner(world, source)
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
    _write(world, "by uid", _FIRST, _PLAIN)
    late = world.clients.upsert("by id", _FIRST, MAILBOXES[0], _PLAIN)
    assert late is not None
    _forget(world, _FIRST)
    world.work()
    world.clients.send(late)
    source = EVENTS[_FIRST.partition]
    _cut(world, source, cut)
    world.log.partition(*source).compact(late.offset + 1, late.offset + 1, 0)
    world.purge(EVENTS.index(source), 0, 0, 0)


def writes_race_with_forgets(world: World, cut: int) -> None:
    """Two forgets of a user and three writes are made at once, and arrive in each order; the cleaner comes between."""
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    writes = [
        world.clients.upsert("by uid", _FIRST, MAILBOXES[0], _PLAIN),
        world.clients.upsert("by id", _FIRST, MAILBOXES[0], _EMAIL + 8),
        world.clients.forget(_FIRST),
        world.clients.upsert("by email", _FIRST, MAILBOXES[0], _PLAIN),
        world.clients.forget(_FIRST),
    ]
    source = EVENTS[_FIRST.partition]
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
    of_whom, rest = (_FIRST, _SECOND)[cut % 2], cut // 2
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    write = world.clients.upsert("by uid", _SECOND, MAILBOXES[0], _EMAIL)
    assert write is not None
    world.clients.send(write)
    _fold_and_relay(world, EVENTS[_SECOND.partition])
    node = _cut(world, Source(SOURCES[-1].topic, MAILBOXES[0].partition), rest)
    _forget(world, of_whom)
    source = EVENTS[of_whom.partition]
    _fold_and_relay(world, source)
    world.cluster.crash(node)
    world.cluster.lose(node, source)
    _restart(world)
    for each in SOURCES:
        world.compact(SOURCES.index(each), 0, 0, 0)


def forget_comes_while_a_node_replays(world: World, cut: int) -> None:
    """A forget arrives when a node has replayed so much of a log of which so much is compacted."""
    replayed, compacted = cut % 6, cut // 6
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    _write(world, "by uid", _FIRST, _EMAIL + 8)
    _forget(world, _FIRST)
    world.work()
    _write(world, "by uid", _FIRST, _EMAIL)
    late = world.clients.upsert("by uid", _FIRST, MAILBOXES[0], _PLAIN)
    forget = world.clients.forget(_FIRST)
    assert late is not None
    assert forget is not None
    source = EVENTS[_FIRST.partition]
    node = _cut(world, source, 0)
    world.cluster.crash(node, lost=True)
    world.cluster.lose(node, source)
    _restart(world)
    partition = world.log.partition(*source)
    partition.compact(partition.end, compacted, 0)
    owner = _owner(world, source)
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
    _write(world, "by uid", _FIRST, _EMAIL)
    world.beat(0, 0, 0, 0)
    write = world.clients.upsert("by uid", _SECOND, MAILBOXES[0], _EMAIL)
    assert write is not None
    world.clients.send(write)
    _cut(world, EVENTS[_SECOND.partition], claim_awaits)
    if release_awaits:
        _cut(world, Source(SOURCES[-1].topic, MAILBOXES[0].partition), release_awaits)
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
            _owner(world, source).relay(1)
        for _, former in world.cluster.zombies():
            former.relay()
    for _ in range(5):
        for source in order:
            place = SOURCES.index(source)
            world.take(Step("relay", place, 0, 1))
            world.take(Step("fold", world.cluster.owned_by_all().number, place))


def request_is_lost(world: World, cut: int) -> None:
    """Two users of one partition claim an email, and a request of its relay is lost: the first, or one of the next."""
    first, second = [user for user in USERS if user.partition == _FIRST.partition][:2]
    world.work()
    for user in (first, second):
        write = world.clients.upsert("by uid", user, MAILBOXES[0], _EMAIL)
        assert write is not None
        world.clients.send(write)
    owner = _owner(world, EVENTS[_FIRST.partition])
    owner.fold(9)
    for _ in range(cut // 2):
        owner.relay(None)
    owner.process.loses = 1 + cut % 2
    world.work()


def _write(world: World, kind: Kind, user: User, choice: int) -> None:
    """Somebody writes, and everything that follows is done."""
    write = world.clients.upsert(kind, user, MAILBOXES[0], choice)
    assert write is not None
    world.clients.send(write)
    world.work()
    assert write.taken


def _forget(world: World, user: User) -> None:
    write = world.clients.forget(user)
    assert write is not None
    world.clients.send(write)


def _owner(world: World, source: Source) -> Replica:
    owner = world.cluster.owner(source)
    assert owner is not None
    return owner


def _fold_and_relay(world: World, source: Source) -> None:
    owner = _owner(world, source)
    owner.fold(9)
    while owner.relay():
        pass


def _cut(world: World, source: Source, awaits: int) -> Node:
    """The owner folds, and relays for so many awaits; returns its node."""
    owner = _owner(world, source)
    owner.fold(9)
    for _ in range(awaits):
        owner.relay(1)
    return next(node for node in world.cluster.nodes if node.replicas.get(source) is owner)


def _restart(world: World) -> None:
    for source in SOURCES:
        if world.cluster.owner(source) is None:
            world.cluster.assign(source, (source.partition + 1) % NODES)
    world.beat(0, 0, 0, 0)
