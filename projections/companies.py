"""Companies, held whole in memory by every node: as much of them as a profile's read shows."""

import msgspec

from schemas.events import ENCODER, CompanyUpserted, decode_record
from schemas.timestamps import format_timestamp


class Company(msgspec.Struct, frozen=True):
    """A company; `min` is the JSON of its min form (contract §5)."""

    account: str
    id: str
    min: bytes


class Companies:
    """The companies by id."""

    def __init__(self) -> None:
        self._companies: dict[str, Company] = {}

    def apply(self, key: bytes, value: bytes | None, offset: int) -> None:  # noqa: ARG002 - a replica's signature
        """Fold a record of ``company-events``. The first event of a company makes it."""
        if value is None:
            return
        event = decode_record(value, CompanyUpserted)
        if event.id not in self._companies:
            created = format_timestamp(event.at)
            min_form = {"id": event.id, "created_at": created, "uid": event.uid}
            self._companies[event.id] = Company(event.account, event.id, ENCODER.encode(min_form))

    def get(self, id_: str, account: str) -> Company | None:
        company = self._companies.get(id_)
        return company if company is not None and company.account == account else None
