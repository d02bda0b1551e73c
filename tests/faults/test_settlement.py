"""When a write that changed an email may answer: `streams.partition.settlement`, fed by the real fold and index."""

from typing import Final

from schemas.identity import claim_made_by
from tests.faults.cast import ACCOUNT, EMAILS, EVENTS, MAILBOXES, USERS, Source, User
from tests.faults.simulation import World

MAILBOX: Final = MAILBOXES[0]
ADA: Final = USERS[0]
BOB, CAROL = (user for user in USERS if user.partition != ADA.partition)
_EMAIL: Final = 1


class OneNode:
    """A node that owns all, and folds when told."""

    def __init__(self) -> None:
        self.world = World(together=True)
        self.settlement = self.world.cluster.settlement()
        self.relay()

    def write(self, user: User) -> bytes:
        """The user takes the email; returns the claim."""
        write = self.world.clients.upsert("by uid", user, MAILBOX, _EMAIL)
        assert write is not None
        self.world.clients.send(write)
        return claim_made_by(write.key)

    def fold_events(self, partition: int) -> None:
        owner = self.world.cluster.owner(EVENTS[partition])
        assert owner is not None
        owner.fold(50)

    def fold_emails(self) -> None:
        owner = self.world.cluster.owner(EMAILS[MAILBOX.partition])
        assert owner is not None
        owner.fold(50)

    def relay(self, *sources: Source) -> None:
        for source in sources or (*EVENTS, *EMAILS):
            owner = self.world.cluster.owner(source)
            assert owner is not None
            while owner.relay():
                pass

    def may_answer(self, user: User, claim: bytes) -> bool:
        return self.settlement.settled(user.partition, claim)

    def shows(self, user: User) -> bool:
        """Whether the user's profile shows the email to who reads it now."""
        owner = self.world.cluster.owner(EVENTS[user.partition])
        assert owner is not None
        found = owner.profiles.read(user.hash, ACCOUNT)
        return found is not None and found.document().get("email") == MAILBOX.text


def test_a_claim_settles_when_the_former_holder_shows_the_email_no_more() -> None:
    node = OneNode()
    node.write(ADA)
    node.fold_events(ADA.partition)
    node.relay()
    node.fold_emails()

    claim = node.write(BOB)
    node.fold_events(BOB.partition)
    node.relay()
    node.fold_emails()
    node.relay()
    assert node.shows(ADA)
    assert not node.may_answer(BOB, claim)

    node.fold_events(ADA.partition)
    assert not node.shows(ADA)
    assert node.may_answer(BOB, claim)


def test_a_claim_settles_when_no_former_holder_at_all_shows_the_email() -> None:
    node = OneNode()
    node.write(ADA)
    node.fold_events(ADA.partition)
    node.relay()
    node.fold_emails()

    node.write(BOB)
    claim = node.write(CAROL)
    node.fold_events(BOB.partition)
    node.relay()
    node.fold_emails()
    node.relay()
    node.fold_events(BOB.partition)

    # Bob is released, for Carol; Ada, for Bob, is not: nobody may be told that Carol has the email.
    assert (node.shows(ADA), node.shows(BOB), node.shows(CAROL)) == (True, False, True)
    assert not node.may_answer(CAROL, claim)
