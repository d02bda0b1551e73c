"""One event applied to the state of its partition, by the type of the event."""

from typing import Final, NamedTuple

from projections import keyspace, repeats
from projections.batches import Batch
from projections.batches import encode as encode_batch
from projections.deletions import close_deletion, tombstone_deletion
from projections.fold import (
    company_left,
    email_released,
    ending,
    event_tracked,
    profile_cleared,
    profile_forgotten,
    profile_upserted,
)
from projections.fold.verdict import Verdict
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import (
    AboutUser,
    BatchOpened,
    BatchReceived,
    CompanyGone,
    CompanyLeft,
    DeletionPurged,
    DeletionTombstoned,
    EmailReleased,
    EventTracked,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
)
from schemas.identity import Identity


class PassedOver(NamedTuple):
    """In place of the event of a record that was set aside (rule 8), whose time nobody reads."""

    at: int = 0


PASSED_OVER: Final = PassedOver()


class Fold:
    """Folds the events of one partition; see the package for its rules."""

    def __init__(self, identity_: Identity) -> None:
        self._identity = identity_

    def user(self, event: ProfileEvent) -> bytes | None:
        """The keyed hash of the user that an event addresses by uid."""
        if not isinstance(event, AboutUser):
            return None
        if event.id is None and event.uid is not None:
            return self._identity.uid_hash(event.account, event.uid)
        return None

    def evolve(
        self,
        state: WorkingSet,
        event: ProfileEvent | PassedOver,
        stamp: Stamp,
        user: bytes | None,
        size: int,
    ) -> Verdict:
        """Apply one event of `size` bytes; `user` is what `user()` gave of it."""
        match event:
            case ProfileUpserted():
                return profile_upserted.fold(state, event, stamp, user, size, self._identity)
            case EventTracked():
                return event_tracked.fold(state, event, stamp, user, self._identity)
            case ProfileCleared():
                return profile_cleared.fold(state, event, stamp)
            case EmailReleased():
                return email_released.fold(state, event, stamp, self._identity)
            case CompanyLeft():
                return company_left.fold(state, event, stamp)
            case ProfileForgotten():
                return profile_forgotten.fold(state, event, stamp, self._identity)
            case DeletionTombstoned():
                tombstone_deletion(state, event)
                return ending.done(stamp, event.id)
            case DeletionPurged():
                close_deletion(state, event)
                return ending.done(stamp, event.id)
            case BatchOpened():
                repeats.open_batch(state, event)
                return ending.done(stamp, event.id)
            case BatchReceived():
                state.put(keyspace.batch(event.id), encode_batch(Batch.of(event)))
                return ending.done(stamp, event.id)
            case CompanyGone():
                state.put_gone(event.company)
                return ending.done(stamp)
            case PassedOver():
                return ending.orphan(state, stamp)
