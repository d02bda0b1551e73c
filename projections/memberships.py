"""The members of each company, kept by the fold: one row a member, under the company's id.

A row changes only when a profile's company does. So the members of a company that is deleted are found without
reading anybody else, and what is left of them says what is left to do (`streams.erasure.company_deletion`).
"""

from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from typing import Final

from projections import keyspace
from projections.profile import Profile
from projections.storage import Storage
from projections.working_set import Move, WorkingSet

READ_AT_ONCE: Final = 1000


def move(state: WorkingSet, profile: Profile, company: str | None) -> None:
    """The profile is now a member of this company, None for none."""
    before = profile.header.company
    if before is not None:
        state.delete(keyspace.member(before, profile.id))
    if company is not None:
        state.put(keyspace.member(company, profile.id), b"")
    state.moves.append(Move(profile.id, before, company))
    profile.header.company = company


def joins_none(state: WorkingSet, profile: Profile, company: str | None) -> bool:
    """Whether a write of this `company_id` leaves the profile without a company.

    It does when it says null, and when the company is deleted: an event that was made before may still name it.
    """
    if company is None or company == profile.header.company:
        return company is None
    return state.is_gone(company)


class MemberCounts:
    """How many members each company has in one partition: read once, in steps, and from then on kept by every move."""

    def __init__(self, storage: Storage, at_once: int = READ_AT_ONCE) -> None:
        self._storage = storage
        self._at_once = at_once
        self._counts: dict[str, int] = {}
        self._next, self._end = keyspace.bounds(keyspace.MEMBERS)

    def read(self) -> Iterator[None]:
        """Read on from where it was left, a millisecond a step. Moves may come between two steps."""
        while rows := list(islice(self._storage.scan(self._next, self._end), self._at_once)):
            for key, _ in rows:
                self._add(keyspace.member_company(key), 1)
            self._next = keyspace.next_key(rows[-1][0])
            yield
        self._next = self._end

    @property
    def is_whole(self) -> bool:
        """Whether all was read."""
        return self._next == self._end

    def moved(self, moves: Iterable[Move]) -> None:
        """These moves were written. Those in rows that are still to be read are left to `read`."""
        for profile, before, after in moves:
            for company, members in ((before, -1), (after, 1)):
                if company is not None and keyspace.member(company, profile) < self._next:
                    self._add(company, members)

    def of(self, companies: Iterable[str]) -> int:
        """How many members these companies have together, once all is read."""
        return sum(map(self._counts.get, companies, repeat(0)))

    def _add(self, company: str, members: int) -> None:
        count = self._counts.get(company, 0) + members
        if count:
            self._counts[company] = count
        else:
            del self._counts[company]
