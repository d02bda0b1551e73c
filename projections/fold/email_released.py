"""The fold of `EmailReleased`: another profile has claimed the email that this one holds."""

from projections.fold import claims, ending
from projections.fold.verdict import Verdict
from projections.history import HistoryType
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import EmailReleased
from schemas.identity import Identity


def fold(state: WorkingSet, event: EmailReleased, stamp: Stamp, identity_: Identity) -> Verdict:
    """Rule 3: the profile loses its email, unless it has claimed another meanwhile."""
    lost = event.claim.encode()
    profile = state.profile_by_id(event.id)
    if profile is None:
        return ending.missing(state, stamp, event.id, lost)
    if profile.header.claim != lost:
        return ending.close(state, profile, stamp, HistoryType.RELEASED, "done", lost=lost)
    old = {"email": profile.document["email"]}
    claims.withdraw(state, profile, old["email"], stamp, identity_)
    profile.document["email"] = None
    return ending.close(state, profile, stamp, HistoryType.RELEASED, "updated", old, lost=lost)
