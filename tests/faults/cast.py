"""Who plays in a simulated world: one account, a few users and emails, two partitions of each topic."""

from itertools import count
from typing import Final, NamedTuple

from projections.partition import Origin
from schemas.identity import Identity
from streams.log.topics import Topics

ACCOUNT: Final = "a" * 24
PARTITIONS: Final = 2
NODES: Final = 3
START_MS: Final = 1_700_000_000_000

IDENTITY: Final = Identity(b"k" * 32, PARTITIONS)
TOPICS: Final = Topics(PARTITIONS)


class Source(NamedTuple):
    """A partition that is folded and whose outputs are relayed."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"

    @property
    def transactional_id(self) -> str:
        return str(self)

    @property
    def origin(self) -> Origin:
        return Origin("log", self.topic, self.partition, PARTITIONS, IDENTITY.fingerprint)


EVENTS: Final = tuple(Source(TOPICS.events, number) for number in range(PARTITIONS))
EMAILS: Final = tuple(Source(TOPICS.emails, number) for number in range(PARTITIONS))
SOURCES: Final = EVENTS + EMAILS


class User(NamedTuple):
    uid: str
    hash: bytes
    partition: int


class Email(NamedTuple):
    """An email and another spelling of it, which is the same email (contract §3)."""

    text: str
    other_text: str
    hash: bytes
    partition: int


def user(uid: str) -> User:
    hash_ = IDENTITY.uid_hash(ACCOUNT, uid)
    return User(uid, hash_, IDENTITY.partition_of_hash(hash_))


def email(text: str) -> Email:
    hash_ = IDENTITY.email_hash(ACCOUNT, text)
    return Email(text, f" {text.upper()}", hash_, IDENTITY.partition_of_hash(hash_))


def _users(each: int) -> tuple[User, ...]:
    """`each` users in every partition, by turns."""
    everybody = [user(f"user-{number}") for number in range(50)]
    there = [[user for user in everybody if user.partition == n] for n in range(PARTITIONS)]
    return tuple(
        user for turn in zip(*(some[:each] for some in there), strict=True) for user in turn
    )


def _emails() -> tuple[Email, ...]:
    """One email in every partition."""
    found: dict[int, Email] = {}
    for number in count():
        some = email(f"{number}@example.org")
        found.setdefault(some.partition, some)
        if len(found) == PARTITIONS:
            return tuple(found[partition] for partition in range(PARTITIONS))
    raise AssertionError


USERS: Final = _users(2)
MAILBOXES: Final = _emails()
NAMES: Final = ("signed_up", "imported_leads")
