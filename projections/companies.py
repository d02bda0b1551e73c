"""Companies, held whole in memory by every node: as much of them as a profile's read shows."""

from typing import Any, Final

import msgspec

from projections.search.matching import holds
from schemas.events import ENCODER, CompanyUpserted, decode_record
from schemas.search.conditions import OnProperty
from schemas.timestamps import format_timestamp

_read_document: Final = msgspec.json.Decoder(dict[str, Any])


class Company(msgspec.Struct, frozen=True):
    """A company; `min` is the JSON of its min form (contract §5)."""

    account: str
    id: str
    min: bytes

    def document(self) -> dict[str, Any]:
        return _read_document.decode(self.min)


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

    def matching(self, account: str, condition: OnProperty) -> list[str]:
        """The ids of the account's companies for which a condition holds (contract §6). For any thread."""
        return [
            company.id
            for company in list(self._companies.values())
            if company.account == account and holds(condition, company.document())
        ]

    def get(self, id_: str, account: str) -> Company | None:
        company = self._companies.get(id_)
        return company if company is not None and company.account == account else None
