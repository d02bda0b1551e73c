"""What the items of a batch have to know of profiles that may be another node's."""

from api.commands.addressing import (
    anywhere_by_email,
    anywhere_by_id,
    anywhere_by_uid,
    by_email,
    by_id,
    by_uid,
)
from api.commands.drafting import Draft
from projections.profile import StoredProfile
from streams.node import Node


class KnownProfiles:
    """Reads profiles of this node; of another's those that were fetched for the item that is handled now."""

    def __init__(self, node: Node, account: str) -> None:
        self._node = node
        self._account = account
        self._ids: dict[str, StoredProfile | None] = {}
        self._uids: dict[int | str, StoredProfile | None] = {}
        self._emails: dict[str, StoredProfile | None] = {}

    async def fetch(self, write: Draft) -> None:
        """Ask for all whom an item names. Raises `Unavailable`."""
        node, account = self._node, self._account
        self.drop()
        if write.id is not None:
            self._ids[write.id] = await anywhere_by_id(node, account, write.id)
        if write.uid is not None:
            self._uids[write.uid] = await anywhere_by_uid(node, account, write.uid)
        if write.email is not None:
            self._emails[write.email] = await anywhere_by_email(node, account, write.email)

    def drop(self) -> None:
        """Another item comes: what was fetched may have changed."""
        self._ids.clear()
        self._uids.clear()
        self._emails.clear()

    def by_id(self, id_: str) -> StoredProfile | None:
        """Raises `Elsewhere` for a profile of another node that was not fetched."""
        return self._ids[id_] if id_ in self._ids else by_id(self._node, self._account, id_)

    def by_uid(self, uid: int | str) -> StoredProfile | None:
        """As `by_id`."""
        return self._uids[uid] if uid in self._uids else by_uid(self._node, self._account, uid)

    def by_email(self, email: str) -> StoredProfile | None:
        """As `by_id`."""
        if email in self._emails:
            return self._emails[email]
        return by_email(self._node, self._account, email)
