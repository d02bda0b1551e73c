"""When a write that changed an email may answer: `streams.settlement`, fed by the real fold and the real index."""

import asyncio
from typing import Final

from projections.emails import EmailState
from schemas.identity import claim_key
from streams.settlement import Settlement
from tests.faults.cast import ACCOUNT, EMAILS, EVENTS, MAILBOXES, USERS, Source, User
from tests.faults.simulation import World

MAILBOX: Final = MAILBOXES[0]
ADA: Final = USERS[0]
BOB, CAROL = (user for user in USERS if user.partition != ADA.partition)
_EMAIL: Final = 1


class OneNode:
    """A node that folds when told, and tells its settlement of it as `streams.worker` does."""

    def __init__(self) -> None:
        self.world = World()
        self.settlement = Settlement()
        self.relay()

    def write(self, user: User) -> bytes:
        """The user takes the email; returns the claim."""
        write = self.world.clients.upsert("by uid", user, MAILBOX, _EMAIL)
        assert write is not None
        self.world.clients.send(write)
        return claim_key(write.key)

    def fold_events(self, partition: int) -> None:
        owner = self.world.cluster.owner(EVENTS[partition])
        assert owner is not None
        for _, verdict in owner.fold(50):
            if verdict.made is not None:
                self.settlement.made(verdict.made, partition, verdict.offset)
            if verdict.lost is not None:
                self.settlement.released(verdict.lost)

    def fold_emails(self) -> None:
        source = EMAILS[MAILBOX.partition]
        owner = self.world.cluster.owner(source)
        assert owner is not None
        assert isinstance(owner.state, EmailState)
        log = self.world.log.partition(*source)
        for claim, lost in owner.state.apply(log.read(owner.state.applied + 1, 50)):
            self.settlement.folded(claim, lost)

    def relay(self, *sources: Source) -> None:
        for source in sources or (*EVENTS, *EMAILS):
            owner = self.world.cluster.owner(source)
            assert owner is not None
            while owner.relay():
                pass

    def may_answer(self, claim: bytes) -> bool:
        async def at_once() -> bool:
            waiting = asyncio.ensure_future(self.settlement.wait(claim))
            await asyncio.sleep(0)
            done = waiting.done()
            waiting.cancel()
            return done

        return asyncio.run(at_once())

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
    assert not node.may_answer(claim)

    node.fold_events(ADA.partition)
    assert not node.shows(ADA)
    assert node.may_answer(claim)


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
    assert not node.may_answer(claim)
