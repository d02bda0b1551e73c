"""Reads along: what was written, what was committed, and what follows from it when nothing is compacted or lost."""

from collections import Counter
from typing import Final, NamedTuple

import msgspec

from schemas.events import (
    EmailClaimed,
    EmailReleased,
    decode_email_record,
    decode_profile_event,
)
from schemas.identity import claim_name
from tests.faults.cast import EMAILS, EVENTS, TOPICS, Source
from tests.faults.clients import Clients
from tests.faults.expectation import Expectation
from tests.faults.rows import email_reader, profile_reader
from tests.support.memory_log import MemoryLog, Record

NEVER: Final = 1 << 62


class Violation(AssertionError):
    """A promise is broken. `promise` is the same text for every schedule that breaks it."""

    def __init__(self, promise: str, *facts: object) -> None:
        super().__init__(f"{promise}: {', '.join(map(str, facts))}" if facts else promise)
        self.promise = promise


class Claim(NamedTuple):
    """A claim: where it stands first in ``profile-emails``, and the hash of its email."""

    partition: int
    offset: int
    email: str


class Release(NamedTuple):
    """A release in ``profile-events``, and the hash of the email that it is about."""

    partition: int
    offset: int
    event: EmailReleased
    email: str


class _Event(msgspec.Struct):
    id: str


class _Published(msgspec.Struct):
    event: _Event


class Witness:
    """`truth` and `index` fold what was ever appended; `expected` is the plain model of the same."""

    def __init__(self, log: MemoryLog, clients: Clients) -> None:
        self._log = log
        self._clients = clients
        self.claims: dict[bytes, Claim] = {}
        self.releases: list[Release] = []
        self.truth = [profile_reader(source) for source in EVENTS]
        self.index = [email_reader(source) for source in EMAILS]
        self.expected = [Expectation() for _ in EVENTS]
        self._seen: Counter[Source] = Counter()
        self._offsets: dict[bytes, int] = {}
        self._versions: dict[bytes, int] = {}

    def read_along(self) -> None:
        """Take in what was appended and committed since. Claims go before the releases that name them."""
        for source in EMAILS:
            self._read_claims(source)
        for source in EVENTS:
            self._read_events(source)
        for partition in range(len(EVENTS)):
            self._read_documents(Source(TOPICS.profiles, partition))

    def _new(self, source: Source) -> list[Record]:
        partition = self._log.partition(*source)
        new = partition.history[self._seen[source] :]
        stop = partition.stable_end
        if stop < partition.end:
            new = [entry for entry in new if entry.record.offset < stop]
        self._seen[source] += len(new)
        return [entry.record for entry in new if entry.committed]

    def _read_claims(self, source: Source) -> None:
        new = self._new(source)
        self.index[source.partition].apply(new)
        for offset, key, value in new:
            if value is None:
                continue
            claim = decode_email_record(value)
            if isinstance(claim, EmailClaimed):
                made = Claim(source.partition, offset, claim.email)
                self.claims.setdefault(claim_name(key), made)

    def _read_events(self, source: Source) -> None:
        new = self._new(source)
        self.truth[source.partition].apply(new)
        for offset, key, value in new:
            if value is None:
                continue
            self._offsets[key] = offset
            write = self._clients.by_key.get(key)
            event = decode_profile_event(value) if write is None else write.event
            if isinstance(event, EmailReleased):
                email = self.claims[event.claim.encode()].email
                self.releases.append(Release(source.partition, offset, event, email))
            self.expected[source.partition].see(key, event)

    def _read_documents(self, source: Source) -> None:
        for _, key, value in self._new(source):
            version = NEVER if value is None else self._version(value)
            before = self._versions.get(key, -1)
            if version < before or (version == before and value is not None):
                raise Violation("`profiles` goes back to an older document", key.decode())
            self._versions[key] = version

    def _version(self, document: bytes) -> int:
        """The offset of the event that a public document comes from."""
        return self._offsets[msgspec.json.decode(document, type=_Published).event.id.encode()]
