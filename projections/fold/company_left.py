"""The fold of `CompanyLeft`: the member of a company that is gone leaves it."""

from projections import memberships
from projections.fold import ending
from projections.fold.verdict import Verdict
from projections.history import HistoryType
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import CompanyLeft


def fold(state: WorkingSet, event: CompanyLeft, stamp: Stamp) -> Verdict:
    """Rule 7: the profile leaves the company, unless it has moved meanwhile."""
    profile = state.profile_by_id(event.id)
    if profile is None:
        return ending.missing(state, stamp, event.id)
    if profile.header.company != event.company:
        return ending.close(state, profile, stamp, HistoryType.LEFT, "done")
    memberships.move(state, profile, None)
    old = {"company_id": profile.document.pop("company_id")}
    return ending.close(state, profile, stamp, HistoryType.LEFT, "updated", old)
