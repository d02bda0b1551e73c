"""What users should see: the plain model that the real fold is held against.

It reads the log as it was written, nothing compacted, and keeps persons in dictionaries. It knows nothing of rows,
chunks, outboxes or documents; only `schemas.identity` is shared with the fold.
"""

from dataclasses import dataclass, field

from schemas import identity
from schemas.events import (
    DeletionPurged,
    DeletionTombstoned,
    EmailReleased,
    EventTracked,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
)
from schemas.identifiers import fold_email
from tests.faults.cast import ACCOUNT, IDENTITY

BROWSER = "browser_x"


@dataclass
class Person:
    """A profile as its user knows it. `draw` is the key of the event that its `percent` comes from."""

    id: str
    user: bytes
    draw: bytes
    operations: set[str] = field(default_factory=set[str])
    browser: object = None
    email: str | None = None
    claim: str | None = None
    cleared: bool = False
    repeats: set[str] = field(default_factory=set[str])
    tracked: list[EventTracked] = field(default_factory=list[EventTracked])


class Expectation:
    """One partition. `whose` says of each record which profile it was about, None where it met none.

    `erasing` holds the keys of the forgets that were not a second forget of one profile.
    """

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.whose: dict[bytes, str | None] = {}
        self.applied: dict[bytes, bool] = {}
        self.tombstoned: dict[str, int] = {}
        self.purged: dict[str, int] = {}
        self.erasing: set[bytes] = set()
        self._ids: dict[bytes, str] = {}
        self._dead: set[str] = set()
        self._refused: set[tuple[bytes, str]] = set()

    def see(self, key: bytes, event: ProfileEvent) -> None:
        """The next event of the partition."""
        match event:
            case ProfileUpserted() | EventTracked():
                person = self._addressed(key, event)
                self.whose[key] = None if person is None else person.id
                if person is not None:
                    self._write(person, key, event)
            case ProfileCleared():
                person = self.people.get(event.id)
                self.whose[key] = None if person is None else person.id
                if person is not None:
                    person.draw, person.cleared, person.browser = key, True, None
                    person.tracked.clear()
            case EmailReleased():
                person = self.people.get(event.id)
                self.whose[key] = None if person is None else person.id
                if person is not None and person.claim == event.claim:
                    person.email = person.claim = None
            case ProfileForgotten():
                self._forget(key, event)
            case DeletionTombstoned():
                self.tombstoned.setdefault(event.id, event.at)
            case DeletionPurged():
                self.purged.setdefault(event.id, event.at)
            case _:
                raise AssertionError(event)

    def _addressed(self, key: bytes, event: ProfileUpserted | EventTracked) -> Person | None:
        if event.id is not None:
            return self.people.get(event.id)
        assert event.uid is not None
        user = IDENTITY.uid_hash(ACCOUNT, event.uid)
        if (user, event.idempotency) in self._refused:
            return None
        if user not in self._ids:
            id_ = identity.profile_id(int.from_bytes(user[:2]), key)
            self._ids[user] = id_
            self.people[id_] = Person(id_, user, key)
        return self.people[self._ids[user]]

    def _write(self, person: Person, key: bytes, event: ProfileUpserted | EventTracked) -> None:
        self.applied[key] = event.idempotency is None or event.idempotency not in person.repeats
        if not self.applied[key]:
            return
        if event.idempotency is not None:
            person.repeats.add(event.idempotency)
        if isinstance(event, EventTracked):
            person.tracked.append(event)
            return
        person.operations |= {name for name in event.properties if name.startswith("operation")}
        person.browser = event.properties.get(BROWSER, person.browser)
        if "email" not in event.properties and "email" not in event.unset:
            return
        email = event.properties.get("email")
        if _folded(email) != _folded(person.email):
            person.claim = None if email is None else identity.claim_made_by(key).decode()
        person.email = email

    def _forget(self, key: bytes, event: ProfileForgotten) -> None:
        if event.id in self._dead:
            return
        self.erasing.add(key)
        user = bytes.fromhex(event.user)
        self._dead.add(event.id)
        self._refused |= {(user, spent) for spent in event.spent}
        self.people.pop(event.id, None)
        other = self._ids.pop(user, None)
        if other is not None:
            self.people.pop(other, None)


def _folded(email: str | None) -> str | None:
    return None if email is None else fold_email(email)
