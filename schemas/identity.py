"""Identity: keyed hashes, slots, partitions and ids (design "Identity, keys, idempotency").

Everything that is derived from a uid or an email goes through a keyed hash, because such names end up in
Kafka keys, RocksDB keys and file names, and those outlive the values that they stand for.
"""

import os
import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from schemas.identifiers import fold_email, former_email_folds, uid_text

SLOTS: Final = 1 << 16
KEY_BYTES: Final = 32
ID_LENGTH: Final = 24

_HEX: Final = frozenset("0123456789abcdef")


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id: 24 lower-case hex digits."""
    return len(text) == ID_LENGTH and _HEX.issuperset(text)


def random_id(slot: int | None = None) -> str:
    """A new id of 24 hex digits, for what has no natural name; the first four are its slot."""
    if slot is None:
        return os.urandom(12).hex()
    return f"{slot:04x}{os.urandom(10).hex()}"


def slot_of(id_: str) -> int:
    """The slot that an id carries in its first four digits."""
    return int(id_[:4], 16)


def event_key() -> bytes:
    """A fresh UUIDv7 as 32 hex digits: the Kafka key of one append, never used again."""
    return event_keys(1)[0]


def event_keys(count: int) -> list[bytes]:
    """`count` fresh event keys; one call to the system's random source for all of them."""
    stamp = time.time_ns() // 1_000_000
    random = os.urandom(10 * count).hex()
    head = f"{stamp:012x}7"
    return [
        f"{head}{random[i : i + 3]}{_VARIANT[random[i + 3]]}{random[i + 4 : i + 19]}".encode()
        for i in range(0, 20 * count, 20)
    ]


# RFC 9562: the two top bits of this digit are the variant, 10.
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


_profiles: Final = blake2b(digest_size=10, person=b"profile")
_CLAIM_SEPARATOR: Final = b"."
_claims: Final = blake2b(digest_size=16, person=b"email-claim")
_tracked: Final = blake2b(digest_size=10, person=b"tracked-event")
_items: Final = blake2b(digest_size=16, person=b"batch-item")
_batches: Final = blake2b(digest_size=12, person=b"batch")
_percents: Final = blake2b(digest_size=8, person=b"percent")


def profile_id(slot: int, creating_key: bytes) -> str:
    """The id of the profile that the event with this key creates in this slot."""
    digest = _profiles.copy()
    digest.update(creating_key)
    return f"{slot:04x}{digest.hexdigest()}"


def claim_made_by(event_key_: bytes) -> bytes:
    """The name of the email claim that the event with this key makes."""
    digest = _claims.copy()
    digest.update(event_key_)
    return digest.hexdigest().encode()


def claim_record_keys(names: Sequence[bytes]) -> list[bytes]:
    """Kafka keys, never used before, for records about the claims of these names."""
    fresh = event_keys(len(names))
    return [name + _CLAIM_SEPARATOR + key for name, key in zip(names, fresh, strict=True)]


def claim_name(record_key: bytes) -> bytes:
    """The name of the claim that a record of ``profile-emails`` is about. In former versions that was the whole key."""
    return record_key.partition(_CLAIM_SEPARATOR)[0]


def tracked_id(profile: str, event_key_: bytes) -> str:
    """The id of the tracked event with this key, of this profile: 24 hex digits with the profile's slot."""
    digest = _tracked.copy()
    digest.update(event_key_)
    return f"{profile[:4]}{digest.hexdigest()}"


def item_repeat_id(repeat: str, index: int) -> str:
    """The idempotency id of one item, from the batch's own and the item's place, from 0."""
    digest = _items.copy()
    digest.update(f"{repeat}:{index}".encode())
    return digest.hexdigest()


def batch_id(repeat: str) -> str:
    """The id of the batch with this idempotency id: 24 hex digits."""
    digest = _batches.copy()
    digest.update(repeat.encode())
    return digest.hexdigest()


def percent(event_key_: bytes) -> float:
    """0 to 100, spread evenly, fixed by the event that assigns it (contract §5)."""
    digest = _percents.copy()
    digest.update(event_key_)
    return int.from_bytes(digest.digest()) % 100_001 / 1000


class Identity:
    """The deployment's hash key and partition count, applied.

    `hash_key` is 32 bytes and secret: whoever has it can find out whether a given uid stands in the log.
    """

    def __init__(self, hash_key: bytes, partitions: int) -> None:
        if len(hash_key) != KEY_BYTES:
            raise ValueError(f"the hash key has {KEY_BYTES} bytes")
        self.partitions = partitions
        self._uids = blake2b(key=hash_key, digest_size=16, person=b"uid")
        self._emails = blake2b(key=hash_key, digest_size=16, person=b"email")
        self._companies = blake2b(key=hash_key, digest_size=12, person=b"company")
        self._next_companies = blake2b(key=hash_key, digest_size=12, person=b"next-company")
        self._properties = blake2b(key=hash_key, digest_size=12, person=b"property")
        self._secrets = blake2b(key=hash_key, digest_size=32, person=b"secret")
        self._names = blake2b(key=hash_key, digest_size=16, person=b"event-name")
        self._repeats = blake2b(key=hash_key, digest_size=16, person=b"idempotency-key")
        self._requests = blake2b(key=hash_key, digest_size=16, person=b"request")
        self.door_key = blake2b(key=hash_key, digest_size=32, person=b"door").hexdigest()
        self.fingerprint = blake2b(key=hash_key, digest_size=8, person=b"fingerprint").hexdigest()

    def uid_hash(self, account: str, uid: int | str) -> bytes:
        """16 bytes that name the user; the first two are the slot."""
        digest = self._uids.copy()
        digest.update(f"{account}:{uid}".encode())  # as `uid_text` has it
        return digest.digest()

    def email_hash(self, account: str, email: str) -> bytes:
        """16 bytes that name an email, compared as contract §3 compares them."""
        return self._email_hash(account, fold_email(email))

    def email_hashes(self, account: str, email: str) -> list[bytes]:
        """The hash of an email, and behind it those under which a claim of it may have been made formerly."""
        if email.isascii():
            return [self.email_hash(account, email)]
        folds = dict.fromkeys((fold_email(email), *former_email_folds(email)))
        return [self._email_hash(account, fold) for fold in folds]

    def _email_hash(self, account: str, fold: str) -> bytes:
        digest = self._emails.copy()
        digest.update(f"{account}:{fold}".encode())
        return digest.digest()

    def company_id(self, account: str, uid: int | str) -> str:
        """The first id of a company: 24 hex digits that any node can compute. Deleted, it has the next one."""
        digest = self._companies.copy()
        digest.update(f"{account}:{uid_text(uid)}".encode())
        return digest.hexdigest()

    def name_hash(self, account: str, name: str) -> bytes:
        """16 bytes that name a tracked event's name."""
        digest = self._names.copy()
        digest.update(f"{account}:{name}".encode())
        return digest.digest()

    def repeat_id(self, account: str, key: str) -> str:
        """The idempotency id of an Idempotency-Key: 32 hex digits."""
        digest = self._repeats.copy()
        digest.update(f"{account}:{key}".encode())
        return digest.hexdigest()

    def request_hash(self, account: str, route: str, body: bytes) -> str:
        """32 hex digits that distinguish requests with one Idempotency-Key."""
        digest = self._requests.copy()
        digest.update(f"{account}:{route}:".encode())
        digest.update(body)
        return digest.hexdigest()

    def next_company_id(self, id_: str) -> str:
        """The id under which the uid of a company comes back that had `id_` and was deleted."""
        digest = self._next_companies.copy()
        digest.update(id_.encode())
        return digest.hexdigest()

    def property_id(self, account: str, kind: str, prop: str) -> str:
        """The id of a property, by its kind and its normalized, dotted name: 24 hex digits."""
        digest = self._properties.copy()
        digest.update(f"{account}:{kind}:{prop}".encode())
        return digest.hexdigest()

    def secret_hash(self, secret: str) -> str:
        """What is kept of an account secret."""
        digest = self._secrets.copy()
        digest.update(secret.encode())
        return digest.hexdigest()

    def partition_of_hash(self, digest: bytes) -> int:
        """The partition of a user or email, by the slot in its hash."""
        return (digest[0] << 8 | digest[1]) % self.partitions

    def partition_of_uid(self, account: str, uid: int | str) -> int:
        """Where the events of a user go; where there is one partition at no cost."""
        return 0 if self.partitions == 1 else self.partition_of_hash(self.uid_hash(account, uid))

    def partition_of_id(self, id_: str) -> int:
        """The partition of a profile, deletion or batch, by the slot in its id."""
        return slot_of(id_) % self.partitions
