"""Who is a member of which company, kept by the fold: one row a member, under the company's id.

A row changes only when a profile's company does. So the members of a company that is deleted are found without
looking at anybody else, and what is left of them says what is left to do (`streams.departures`).
"""

from projections import keyspace
from projections.profile import Profile
from projections.working_set import WorkingSet


def move(state: WorkingSet, profile: Profile, company: str | None) -> None:
    """The profile is now a member of this company, None for none."""
    before = profile.header.company
    if before is not None:
        state.delete(keyspace.member(before, profile.id))
    if company is not None:
        state.put(keyspace.member(company, profile.id), b"")
    profile.header.company = company


def joins_none(state: WorkingSet, profile: Profile, company: str | None) -> bool:
    """Whether a write of this `company_id` leaves the profile without a company.

    It does when it says null, and when the company is deleted: an event that was made before may still name it.
    """
    if company is None or company == profile.header.company:
        return company is None
    return state.is_gone(company)
