"""How `as_of` picks: a profile as it was at an earlier time (contract §12).

Nothing earlier is stored whole. Each history row has the old values of what its record changed (`projections.history`),
so of all rows from some offset on the oldest value of each name is the value that it had before that offset.
"""

from collections.abc import Iterable

import msgspec

from projections.history import NOT_THERE, Entry, HistoryType
from projections.profile import Document, StoredProfile
from schemas.events import ENCODER
from schemas.timestamps import format_timestamp


class Past:
    """A profile as it was before the first record of its history that is later than a moment.

    `read` takes the entries of the history, the oldest first: all of them, or those from some offset on. "First" is
    by offset: two nodes' clocks may differ, and the log's order is what the profile went through.
    """

    def __init__(self, profile: StoredProfile, moment: int) -> None:
        """`moment` is in unix milliseconds."""
        self._profile = profile
        self._moment = moment
        self._updated: int | None = None
        self._old: Document = {}
        self.cut: int | None = None

    def read(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if self.cut is None and entry.at <= self._moment:
                if self._wrote(entry):
                    self._updated = entry.at
                continue
            if self.cut is None:
                self.cut = entry.offset
            for name, value in entry.before().items():
                self._old.setdefault(name, value)

    def _wrote(self, entry: Entry) -> bool:
        """Whether the record set `updated_at`: an upsert does, others do when they change something."""
        creates = entry.offset == self._profile.header.created
        return creates or entry.type == HistoryType.UPSERTED or bool(entry.json)

    def document(self) -> Document:
        """The document then, but for `updated_at`; of a time before the creation what is left without it."""
        document = self._profile.document()
        for name, value in self._old.items():
            if value == NOT_THERE:
                document.pop(name, None)
            else:
                document[name] = value
        return document

    def profile(self) -> StoredProfile | None:
        """The profile then, once all of its history was read; None before it was created."""
        if self.cut is None:
            return self._profile
        if self._updated is None:
            return None
        document = self.document()
        document["updated_at"] = format_timestamp(self._updated)
        company = document.get("company_id")
        header = msgspec.structs.replace(self._profile.header, company=company)
        return StoredProfile(self._profile.user, header, ENCODER.encode(document))
