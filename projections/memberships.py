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


def is_closed(state: WorkingSet, company: str) -> bool:
    """Whether the company is deleted: an event that was made before may still name it."""
    return state.get(keyspace.gone(company)) is not None
