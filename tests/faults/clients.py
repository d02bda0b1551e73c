"""What the api does for its callers: it resolves, makes events, appends them, and answers when it may.

Between any two of these other things happen: a write that was made is appended later, or twice, and answered late or
never. A retry repeats the first attempt: its idempotency id, its target, its body.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from projections.fold.verdict import Verdict
from schemas.events import (
    EventTracked,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
    encode,
)
from schemas.identifiers import fold_email
from schemas.identity import claim_made_by, slot_of
from tests.faults.cast import (
    ACCOUNT,
    EMAILS,
    EVENTS,
    MAILBOXES,
    NAMES,
    START_MS,
    TOPICS,
    Email,
    User,
)
from tests.faults.cluster import Cluster, Say
from tests.faults.expectation import BROWSER
from tests.support.memory_log import MemoryLog

Kind = Literal["by uid", "by id", "by email", "track by uid", "track by id", "clear", "forget"]


@dataclass(eq=False)
class Write:
    """One write of a client. `started` and `answered` are times of the log (`MemoryLog.time`).

    `known` is how far the api had folded when it made a forget: what came later is not in its `spent`.
    """

    number: int
    kind: Kind
    partition: int
    event: ProfileEvent
    started: int
    operation: str = ""
    known: int = -1
    key: bytes = b""
    offset: int = -1
    verdict: Verdict | None = None
    answered: int | None = None

    def __str__(self) -> str:
        return f"write {self.number} ({self.kind})"

    @property
    def email(self) -> str | None:
        """The email that it gives its profile."""
        return (
            self.event.properties.get("email") if isinstance(self.event, ProfileUpserted) else None
        )

    @property
    def tracks(self) -> bool:
        """Whether it is a tracked event."""
        return isinstance(self.event, EventTracked)

    @property
    def claim(self) -> bytes:
        """The claim that it makes if it changes the email."""
        return claim_made_by(self.key)

    @property
    def taken(self) -> bool:
        """Whether it was answered as done."""
        return (
            self.answered is not None
            and self.verdict is not None
            and self.verdict.outcome not in ("missing", "spent")
        )


Settled = Callable[[Write, bytes], bool]


@dataclass
class Clients:
    """The clients, and the nodes that they call."""

    log: MemoryLog
    cluster: Cluster
    say: Say
    writes: list[Write] = field(default_factory=list[Write])
    by_key: dict[bytes, Write] = field(default_factory=dict[bytes, Write])
    unsent: list[Write] = field(default_factory=list[Write])
    waiting: list[Write] = field(default_factory=list[Write])

    # ------------------------------------------------------------------ reads

    def read(self, id_: str) -> dict[str, Any] | None:
        """A read by id; None when there is no such profile. Raises `LookupError` where a node answers 503."""
        replica = self.cluster.serving(EVENTS[slot_of(id_) % len(EVENTS)])
        if replica is None:
            raise LookupError(id_)
        found = replica.profiles.read_by_id(id_, ACCOUNT)
        return None if found is None else found.document()

    def by_email(self, email: Email) -> str | None:
        """A read by email: index, then document, which must still have it. Raises `LookupError`: 503."""
        index = self.cluster.serving(EMAILS[email.partition])
        if index is None:
            raise LookupError(email.text)
        id_ = index.emails.holder(email.hash)
        document = None if id_ is None else self.read(id_)
        held = None if document is None else document.get("email")
        return id_ if held is not None and fold_email(held) == email.text else None

    # ------------------------------------------------------------------ writes

    def upsert(self, kind: Kind, user: User, mailbox: Email, choice: int) -> Write | None:
        """`choice` picks what is written; None when the api answers 404 or 503."""
        number = len(self.writes)
        operation = f"operation_{number}"
        properties: dict[str, Any] = {operation: True}
        unset: list[str] = []
        match choice % 8:
            case 0 | 1 | 2:
                properties["email"] = MAILBOXES[choice // 8 % len(MAILBOXES)].text
            case 3:
                properties["email"] = MAILBOXES[choice // 8 % len(MAILBOXES)].other_text
            case 4:
                properties["email"] = None
            case 5:
                unset.append("email")
            case 6:
                properties[BROWSER] = number
            case _:
                pass
        idempotency = f"{number:032x}" if choice % 3 else None
        return self.put(kind, user, mailbox, properties, unset, idempotency, operation)

    def put(
        self,
        kind: Kind,
        user: User,
        mailbox: Email,
        properties: dict[str, Any],
        unset: list[str],
        idempotency: str | None = None,
        operation: str = "",
    ) -> Write | None:
        """An upsert of just this; None when the api answers 404 or 503."""
        id_: str | None = None
        if kind == "by id":
            id_ = self._id_of(user)
        elif kind == "by email":
            id_ = self._resolve(mailbox)
        if kind != "by uid" and id_ is None:
            return None
        event = ProfileUpserted(
            account=ACCOUNT,
            at=self._now(),
            uid=user.uid if id_ is None else None,
            id=id_,
            properties=properties,
            unset=unset,
            idempotency=idempotency,
        )
        partition = user.partition if id_ is None else slot_of(id_) % len(EVENTS)
        number = len(self.writes)
        return self._add(Write(number, kind, partition, event, self.log.time, operation))

    def track(self, kind: Kind, user: User, choice: int) -> Write | None:
        """`choice` picks the event's name; None when the api answers 404 or 503."""
        number = len(self.writes)
        operation = f"operation_{number}"
        id_ = self._id_of(user) if kind == "track by id" else None
        if kind == "track by id" and id_ is None:
            return None
        event = EventTracked(
            account=ACCOUNT,
            at=self._now(),
            name=NAMES[choice % len(NAMES)],
            uid=user.uid if id_ is None else None,
            id=id_,
            properties={"operation": operation},
            idempotency=f"{number:032x}" if choice % 3 else None,
        )
        return self._add(Write(number, kind, user.partition, event, self.log.time, operation))

    def clear(self, user: User) -> Write | None:
        id_ = self._id_of(user)
        if id_ is None:
            return None
        event = ProfileCleared(account=ACCOUNT, at=self._now(), id=id_)
        return self._add(Write(len(self.writes), "clear", user.partition, event, self.log.time))

    def forget(self, user: User) -> Write | None:
        id_ = self._id_of(user)
        if id_ is None:
            return None
        state = self.cluster.serving(EVENTS[user.partition])
        assert state is not None
        at = self._now()
        number = len(self.writes)
        event = ProfileForgotten(
            account=ACCOUNT,
            at=at,
            id=id_,
            user=user.hash.hex(),
            deletion=f"{id_[:4]}{number:020x}",
            spent=state.profiles.repeats(id_, at),
            events=state.profiles.count_history(id_),
        )
        known = state.state.applied
        return self._add(Write(number, "forget", user.partition, event, self.log.time, known=known))

    def retry(self, choice: int) -> Write | None:
        """Send a write with an idempotency id again."""
        repeatable = [
            write
            for write in self.writes
            if isinstance(write.event, ProfileUpserted | EventTracked) and write.event.idempotency
        ]
        if not repeatable:
            return None
        # Mostly one of the last ones: that is when it may race with the first attempt.
        last = repeatable[-3:] if choice % 4 else repeatable
        return self.repeat(last[choice // 4 % len(last)])

    def repeat(self, first: Write) -> Write:
        """Another attempt at a write with an idempotency id."""
        assert isinstance(first.event, ProfileUpserted | EventTracked)
        event = msgspec.structs.replace(first.event, at=self._now())
        return self._add(
            Write(
                len(self.writes), first.kind, first.partition, event, self.log.time, first.operation
            )
        )

    def send(self, write: Write) -> None:
        """Append the write to the log."""
        self.unsent.remove(write)
        self.waiting.append(write)
        write.key = b"%032x" % (write.number + 1)
        self.by_key[write.key] = write
        write.offset = self.log.append(
            TOPICS.events, write.partition, write.key, encode(write.event)
        )
        self.say("{} is appended at {}:{}", write, write.partition, write.offset)

    def folded(self, verdicts: list[tuple[bytes, Verdict]]) -> list[Write]:
        """A node that serves has folded these; returns the writes that waited for them."""
        woken: list[Write] = []
        for key, verdict in verdicts:
            write = self.by_key.get(key)
            if write is not None and write.verdict is None:
                write.verdict = verdict
                woken.append(write)
        return woken

    def answer(self, write: Write, settled: Settled) -> bool:
        """Answer the write if it may be answered. One whose verdict died with its node is left in doubt."""
        replica = self.cluster.serving(EVENTS[write.partition])
        if replica is None or replica.state.applied < write.offset:
            return False
        verdict = write.verdict
        if verdict is not None:
            claims = {verdict.claim, verdict.made} - {None}
            if not all(claim is not None and settled(write, claim) for claim in claims):
                return False
            write.answered = self.log.time
            self.say("{} is answered: {}", write, verdict.outcome)
        self.waiting.remove(write)
        return verdict is not None

    def claim_offset(self, claim: bytes | None) -> int | None:
        """Where the write stands in its partition that made the claim."""
        return next((write.offset for write in self.writes if write.claim == claim), None)

    def claims_of(self, write: Write) -> list[bytes]:
        """The claims that the attempts of this write may have made."""
        return [other.claim for other in self.writes if other.operation == write.operation]

    def forgets(self) -> list[Write]:
        """All forgets in the log, in the order of their offsets."""
        sent = [write for write in self.writes if write.kind == "forget" and write.offset >= 0]
        return sorted(sent, key=lambda write: write.offset)

    def first(self, operation: str) -> Write:
        """The first attempt in the log."""
        sent = [w for w in self.writes if w.operation == operation and w.offset >= 0]
        return min(sent, key=lambda write: write.offset)

    def _add(self, write: Write) -> Write:
        self.writes.append(write)
        self.unsent.append(write)
        self.say("{}: {}", write, write.event)
        return write

    def _id_of(self, user: User) -> str | None:
        replica = self.cluster.serving(EVENTS[user.partition])
        found = None if replica is None else replica.profiles.read(user.hash, ACCOUNT)
        return None if found is None else found.id

    def _resolve(self, mailbox: Email) -> str | None:
        try:
            return self.by_email(mailbox)
        except LookupError:
            return None

    def _now(self) -> int:
        return START_MS + len(self.writes)
