"""What one partition of `profile-emails` holds of one source: claims, withdrawals and the tombstones for both.

As `streams.partition.claim_sender` and `streams.partition.email_relay` write it where nothing has to be sent twice, and
before compaction has removed anything.
"""

from typing import NamedTuple

from schemas.events import EmailClaimed, EmailWithdrawn, Place, encode
from schemas.identity import claim_record_keys
from streams.partition.email_relay import RECORDS


class LogRecord(NamedTuple):
    """What the consumer hands to a fold."""

    offset: int
    key: bytes
    value: bytes | None


class EmailRecords:
    """`records` in the order of the log; call `finish` when the source has sent all of its claims."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self._claims: dict[bytes, bytes] = {}  # name: the key of its record
        self._withdrawal: bytes | None = (
            None  # its record stands for the watermark until the next one
        )
        self._tombstones: list[bytes] = []
        self._followed = 0  # records that tombstones follow from

    def claim(self, name: bytes, claim: EmailClaimed) -> None:
        """The claim, which has its place."""
        (self._claims[name],) = claim_record_keys([name])
        self._send(self._claims[name], encode(claim), [])

    def withdraw(self, name: bytes, place: Place) -> None:
        """The claim of this name is current no more."""
        (key,) = claim_record_keys([name])
        self._send(key, encode(EmailWithdrawn(place)), [self._claims.pop(name)])
        self._withdrawal = key

    def finish(self) -> None:
        """The tombstones that still wait leave."""
        for key in self._tombstones:
            self._append(key, None)
        self._tombstones.clear()
        self._followed = 0

    def _send(self, key: bytes, value: bytes, replaced: list[bytes]) -> None:
        self._append(key, value)
        if self._withdrawal is not None:
            replaced.insert(0, self._withdrawal)
            self._withdrawal = None
        if replaced:
            self._tombstones += replaced
            self._followed += 1
        if self._followed == RECORDS:
            self.finish()

    def _append(self, key: bytes, value: bytes | None) -> None:
        self.records.append(LogRecord(len(self.records), key, value))
