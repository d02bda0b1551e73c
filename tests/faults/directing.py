"""What stories tell a world to do: somebody writes, an owner works for a while, a process starts again."""

from typing import Final

from tests.faults.cast import EMAILS, MAILBOXES, NODES, SOURCES, USERS, Source, User
from tests.faults.clients import Kind, Write
from tests.faults.cluster import Node, Replica
from tests.faults.simulation import World
from tests.faults.steps import Step

# What `Clients.upsert` makes of a choice: the first mailbox, no email, and nothing but an operation.
EMAIL: Final = 1
NO_EMAIL: Final = 4
PLAIN: Final = 7

FIRST, SECOND = USERS[0], next(user for user in USERS if user.partition != USERS[0].partition)
# Where the claims of the first mailbox go.
INDEX: Final = EMAILS[MAILBOXES[0].partition]


def send(world: World, kind: Kind, user: User, choice: int) -> Write:
    """Somebody's write is appended."""
    write = world.clients.upsert(kind, user, MAILBOXES[0], choice)
    assert write is not None
    world.clients.send(write)
    return write


def write(world: World, kind: Kind, user: User, choice: int) -> None:
    """Somebody writes, and everything that follows is done."""
    sent = send(world, kind, user, choice)
    world.work()
    assert sent.taken


def forget(world: World, user: User) -> None:
    """Somebody's forget is appended."""
    made = world.clients.forget(user)
    assert made is not None
    world.clients.send(made)


def owner_of(world: World, source: Source) -> Replica:
    owner = world.cluster.owner(source)
    assert owner is not None
    return owner


def node_of(world: World, replica: Replica) -> Node:
    return next(n for n in world.cluster.nodes if n.replicas.get(replica.source) is replica)


def fold(world: World, source: Source) -> None:
    """The owner folds all there is, and reports the verdicts to who waits for them."""
    node = node_of(world, owner_of(world, source))
    while owner_of(world, source).folds:
        world.take(Step("fold", node.number, SOURCES.index(source)))


def fold_and_relay(world: World, source: Source) -> None:
    """The owner folds and publishes all there is."""
    fold(world, source)
    while owner_of(world, source).relay():
        pass


def relay_some(world: World, source: Source, awaits: int) -> Node:
    """The owner folds, and relays for so many awaits; returns its node."""
    owner = owner_of(world, source)
    owner.fold(9)
    for _ in range(awaits):
        owner.relay(1)
    return node_of(world, owner)


def restart(world: World) -> None:
    """What was owned by nobody goes to other nodes."""
    for source in SOURCES:
        if world.cluster.owner(source) is None:
            world.cluster.assign(source, (source.partition + 1) % NODES)
    world.beat(0, 0, 0, 0)
