"""One reading of ``profiles`` and ``profile-emails`` for all deletions that may be purged together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from projections.deletions import Deletion
from schemas.events import EmailWithdrawn, UndecodableRecord, decode_email_record
from schemas.identity import claim_name
from streams.erasure.log_reader import LogReader, Owner
from streams.log.topics import Topics

Position = tuple[str, int, int]
"""Topic, partition and offset."""


class Sweep:
    """`ready` are deletions by the partition of their profiles."""

    def __init__(self, topics: Topics, ready: Iterable[tuple[int, Sequence[Deletion]]]) -> None:
        self._topics = topics
        self._by_id: dict[str, str] = {}
        self._by_claim: dict[bytes, str] = {}
        self._partitions: list[int] = []
        for number, deletions in ready:
            self._partitions.append(number)
            for deletion in deletions:
                self._by_id.update(dict.fromkeys(deletion.ids, deletion.id))
                self._by_claim.update((claim, deletion.id) for _, claim in deletion.claims)

    async def run(self, reader: LogReader) -> dict[str, list[Position]]:
        """Where there is still a value of a deleted profile, by the deletion's id.

        Claims are searched in every partition, and by the profile that they name: one that was withdrawn
        before the forget, or before a rebuild, is in no list.
        """
        found: dict[str, list[Position]] = defaultdict(list)
        for number in self._partitions:
            await self._read(reader, self._topics.profiles, number, self._of_document, found)
        for number in range(self._topics.partitions):
            await self._read(reader, self._topics.emails, number, self._of_claim, found)
        return dict(found)

    async def _read(
        self,
        reader: LogReader,
        topic: str,
        number: int,
        owner: Owner,
        found: dict[str, list[Position]],
    ) -> None:
        async for offset, deletion in reader.find(topic, number, owner):
            found[deletion].append((topic, number, offset))

    def _of_document(self, key: bytes, _: bytes) -> str | None:
        return self._by_id.get(key.decode("ascii", "replace"))

    def _of_claim(self, key: bytes, value: bytes) -> str | None:
        try:
            record = decode_email_record(value)
        except UndecodableRecord:
            return self._by_claim.get(claim_name(key))
        if isinstance(record, EmailWithdrawn):
            return None  # it names the claim and nothing else
        return self._by_claim.get(claim_name(key)) or self._by_id.get(record.id)
