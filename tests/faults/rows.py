"""What stands in the storage of a state, and a state that reads the log without publishing anything."""

from typing import Final, TypeVar

from projections import keyspace
from projections.auditing.agreement import Comparison
from projections.auditing.differences import Difference
from projections.email_index import EmailState
from projections.partition import PartitionState
from projections.profile import Profile
from projections.profiles import ProfileState
from tests.faults.cast import IDENTITY, Source
from tests.support.memory_storage import MemoryStorage, Snapshot

_NEVER: Final = 1 << 62

_State = TypeVar("_State", bound=PartitionState)


def profile_reader(source: Source) -> ProfileState:
    """An empty state of a partition of ``profile-events`` that makes no outputs."""
    return _silent(ProfileState(MemoryStorage(), source.origin, IDENTITY))


def email_reader(source: Source) -> EmailState:
    """An empty state of a partition of ``profile-emails`` that makes no outputs."""
    return _silent(EmailState(MemoryStorage(), source.origin))


def _silent(state: _State) -> _State:
    state.resume(_NEVER)
    return state


def difference(state: PartitionState, replay: PartitionState) -> Difference | None:
    """What an audit says first of a state beside a replay; None when both are what the log says."""
    comparison = Comparison()
    for _ in comparison.run(state.storage, replay.storage, newest=0):
        pass
    return next(iter(comparison.differences), None)


def documents(state: PartitionState) -> dict[str, Profile]:
    """All profiles by id."""
    profiles = [
        Profile.decode(keyspace.subject(key)[1], row)
        for key, row in state.storage.scan(*keyspace.bounds(keyspace.DOCUMENTS))
    ]
    return {profile.id: profile for profile in profiles}


def claim_of(state: PartitionState, id_: str) -> bytes | None:
    """The current claim of a profile."""
    profile = documents(state).get(id_)
    return None if profile is None else profile.header.claim


def was_forgotten(state: PartitionState, id_: str) -> bool:
    return state.storage.get(keyspace.forgotten(id_)) is not None


def outbox_size(state: PartitionState) -> int:
    """How many packs of rows are there, left or not."""
    return sum(1 for _ in state.storage.scan(keyspace.OUTBOX, keyspace.after(keyspace.OUTBOX)))


def applied(rows: Snapshot) -> int:
    """How far a storage had applied its log when this picture of it was taken."""
    return int(rows.get(keyspace.APPLIED, b"-1"))
