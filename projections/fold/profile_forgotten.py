"""The fold of `ProfileForgotten`: the user is erased (contract §8)."""

import struct
from typing import Final

from projections import history, keyspace, memberships, outbox, repeats, tracking
from projections.deletions import open_deletion
from projections.fold import claims, ending
from projections.fold.verdict import Verdict
from projections.receipts import Receipt
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import ProfileForgotten
from schemas.identity import Identity

_offset: Final = struct.Struct(">Q")


def fold(state: WorkingSet, event: ProfileForgotten, stamp: Stamp, identity_: Identity) -> Verdict:
    """Rule 4. Rows leave in the order: claim tombstones, nulls in `profiles`, event tombstones."""
    if state.get(keyspace.forgotten(event.id)) is not None:
        return ending.done(stamp, event.id, "missing")
    user = bytes.fromhex(event.user)
    found = filter(None, [state.profile_by_id(event.id), state.profile(user)])
    profiles = {profile.id: profile for profile in found}
    records: list[tuple[int, bytes]] = []
    withdrawn: list[tuple[int, bytes]] = []
    for profile in profiles.values():
        email = profile.document.get("email")
        withdrawn += claims.withdraw(state, profile, email, stamp, identity_)
        memberships.move(state, profile, None)
        records += history.erase(state, profile)
        repeats.erase(state, profile.id)
        tracking.erase(state, profile.id)
        state.erase(profile)
    ids = list(dict.fromkeys([event.id, *profiles]))
    for id_ in ids:
        state.emit(stamp.offset, outbox.PublicDocument(id_, None, event.account))
    # The newest first: until the record that creates the profile is gone, a replay finds it and names the rest.
    for _, record in reversed(records):
        state.emit(stamp.offset, outbox.EventTombstone(record))
    state.put(keyspace.forgotten(event.id), _offset.pack(stamp.offset))
    for repeat in event.spent:
        repeats.refuse(state, repeat, event.at)
    receipt = Receipt.of(event, stamp.offset, [offset for offset, _ in records])
    state.emit(stamp.offset, outbox.Erased(event.account, event.deletion, receipt.events))
    open_deletion(state, event, receipt, ids, withdrawn)
    return ending.done(stamp, event.id)
