"""The fold of `ProfileCleared`: browser fields and tracked events are reset (contract §7)."""

from typing import Final

from projections import tracking
from projections.fold import ending
from projections.fold.verdict import Verdict
from projections.history import NOT_THERE, HistoryType
from projections.profile import CLEARED
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas import identity
from schemas.events import ProfileCleared
from schemas.timestamps import format_timestamp

_SET: Final = ("percent", "last_cleared_at")


def fold(state: WorkingSet, event: ProfileCleared, stamp: Stamp) -> Verdict:
    """Reset the profile's fields, and draw a new `percent`."""
    profile = state.profile_by_id(event.id)
    if profile is None:
        return ending.missing(state, stamp, event.id)
    tracking.erase(state, profile.id)
    document = profile.document
    changed = [name for name in CLEARED if document.get(name) is not None]
    old = {
        name: document.get(name, NOT_THERE)
        for name in (*CLEARED, *_SET)
        if document.get(name, NOT_THERE) is not None
    }
    document.update(dict.fromkeys(CLEARED))
    document["percent"] = identity.percent(stamp.key)
    document["last_cleared_at"] = format_timestamp(stamp.at)
    return ending.close(
        state, profile, stamp, HistoryType.CLEARED, "updated", old, changed=[*changed, *_SET]
    )
