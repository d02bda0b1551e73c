"""What operators wrote about properties (contract §10): folded from ``company-events``, whole on every node."""

from typing import Literal

import msgspec

from schemas.events import PropertyDescribed
from schemas.properties import Kind


class Description(msgspec.Struct, frozen=True):
    """A property's name and description, where somebody gave them; times in unix milliseconds."""

    account: str
    id: str
    kind: Kind
    prop: str
    created: int
    updated: int
    name: str | None = None
    text: str | None = None


class Descriptions:
    """The descriptions by the property's id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Description] = {}
        self._of: dict[tuple[str, Kind], dict[str, Description]] = {}

    def apply(self, event: PropertyDescribed) -> Literal["created", "updated"]:
        """Fold an event. What it does not speak of stays; without a name and a description nothing is kept."""
        before = self._by_id.get(event.id)
        after = Description(
            account=event.account,
            id=event.id,
            kind=event.kind,
            prop=event.prop,
            created=event.at if before is None else before.created,
            updated=event.at,
            name=_changed(before and before.name, event.name),
            text=_changed(before and before.text, event.description),
        )
        kept = self._of.setdefault((event.account, event.kind), {})
        if after.name is None and after.text is None:
            self._by_id.pop(event.id, None)
            kept.pop(event.prop, None)
            return "updated"
        self._by_id[event.id] = kept[event.prop] = after
        return "created" if before is None else "updated"

    def get(self, id_: str, account: str) -> Description | None:
        found = self._by_id.get(id_)
        return found if found is not None and found.account == account else None

    def of(self, account: str, kind: Kind) -> dict[str, Description]:
        """The account's descriptions of one kind, by the property's dotted name."""
        return self._of.get((account, kind), {})


def _changed(before: str | None, sent: str | msgspec.UnsetType | None) -> str | None:
    return before if isinstance(sent, msgspec.UnsetType) else sent
