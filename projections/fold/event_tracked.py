"""The fold of `EventTracked`: something that a user did is counted beside the profile (contract §11)."""

from projections import repeats, tracking
from projections.fold import addressing, ending
from projections.fold.verdict import Verdict
from projections.history import HistoryType
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import EventTracked
from schemas.identity import Identity


def fold(
    state: WorkingSet, event: EventTracked, stamp: Stamp, user: bytes | None, identity_: Identity
) -> Verdict:
    """A tracked event is no part of the document, so all that is published of it is a profile that it creates."""
    profile = addressing.addressed(state, event, stamp, user)
    if isinstance(profile, Verdict):
        return profile
    created = profile is None
    if profile is None:
        assert user is not None
        profile = addressing.create(state, event, stamp, user, HistoryType.TRACKED)
    if event.idempotency is not None:
        repeats.remember(state, profile.id, event, stamp.offset, created=created)
    name = identity_.name_hash(event.account, event.name)
    tracking.track(state, profile.id, event, name, stamp.key)
    state.note(profile)
    if created:
        return ending.close(state, profile, stamp, HistoryType.TRACKED, "created", {})
    return ending.close(state, profile, stamp, HistoryType.TRACKED, "updated")
